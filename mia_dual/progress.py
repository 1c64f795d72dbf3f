"""How the pipeline tells of its progress, without knowing who looks on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Advance(Protocol):
    """Says that so many more units of the stage are done, and models with them."""

    def __call__(self, units: int, models: int = 0) -> None:
        """Say it."""
        ...


class Progress(Protocol):
    """Shows stages of work; a stage is a context manager that gives its ``Advance``."""

    @contextmanager
    def stage(
        self, title: str, total: int, done: int = 0, unit: str = "", models: int = 0
    ) -> Iterator[Advance]:
        """A stage of ``total`` units, ``done`` of them found done already.

        ``unit``: what a unit is called, in the plural, where that is worth telling; of training and
        of answers it is ``records``, a record counting once a model that sees it. ``models``: how
        many the stage makes or asks, 0 where that is not told.
        """
        ...


def unheard(units: int, models: int = 0) -> None:
    """An :class:`Advance` that nobody hears."""


class Silent:
    """Shows nothing."""

    @contextmanager
    def stage(
        self, title: str, total: int, done: int = 0, unit: str = "", models: int = 0
    ) -> Iterator[Advance]:
        """A stage nobody sees."""
        yield unheard
