"""How the pipeline tells of its progress, without knowing who looks on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Callable, Protocol

Advance = Callable[[int], None]
"""Says that so many more units of the stage are done."""


class Progress(Protocol):
    """Shows stages of work; a stage is a context manager that gives its ``Advance``."""

    @contextmanager
    def stage(self, title: str, total: int, done: int = 0) -> Iterator[Advance]:
        """A stage of ``total`` units, ``done`` of them found done already."""
        ...


class Silent:
    """Shows nothing."""

    @contextmanager
    def stage(self, title: str, total: int, done: int = 0) -> Iterator[Advance]:
        """A stage nobody sees."""
        yield lambda units: None
