"""What a job says: whole lines in a log that nobody can scroll back on."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Callable

from mia_dual.progress import Advance
from mia_dual.quoting import one_line

Say = Callable[[str], None]
"""Says a line."""

SECONDS_BETWEEN = 10.0


class Lines:
    """Says lines on standard output as soon as they are known, each after ``prefix``."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix

    def __call__(self, text: str) -> None:
        """Say ``text``."""
        sys.stdout.write(f"mia-dual: {self._prefix}{one_line(text)}\n")
        sys.stdout.flush()


class LineProgress:
    """A line when a stage begins, now and then, and when it ends.

    ``noted`` is told the stage's title and how many of its units are done, as often.
    """

    def __init__(self, say: Say, noted: Callable[[str, int], None]) -> None:
        self._say, self._noted = say, noted

    @contextmanager
    def stage(
        self, title: str, total: int, done: int = 0, unit: str = "", models: int = 0
    ) -> Iterator[Advance]:
        """See :class:`mia_dual.progress.Progress`."""
        reached, started = done, time.monotonic()
        spoken = started
        of = f"{total} {unit}".rstrip()
        self._say(f"{title}: {done} of {of} are there already" if done else f"{title}: {of}")

        def advance(units: int, models: int = 0) -> None:
            nonlocal reached, spoken
            reached += units
            now = time.monotonic()
            if now - spoken >= SECONDS_BETWEEN:
                spoken = now
                self._say(f"{title}: {reached} of {of} after {now - started:.0f} s")
                self._noted(title, reached)

        yield advance
        self._say(f"{title}: done in {time.monotonic() - started:.1f} s")
        self._noted(title, reached)
