"""Signals of references: models x records, worked out once for all attacks that look at them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Optional, Union

import numpy as np

from mia_dual.answers import Answers
from mia_dual.attacks.asked import Means
from mia_dual.attacks.panel import Panel
from mia_dual.attacks.scratch import fits, scratch
from mia_dual.attacks.views import OfLogits, Scene, View
from mia_dual.execution import DEFAULT, Execution
from mia_dual.plan.plan import Version

Signal = Union[str, View]
"""A view, or one of logits by the signal's name."""


class SignalTable:
    """What references say of ``rows`` (sorted record indices), signal by signal.

    ``versions``: the references, the models of each asked about ``rows``. ``members``: by name, the
    records each was trained on. ``labels`` are those of all records. ``means`` ask for what is not
    in ``answers``. A reference is looked at once a signal; signals stay, at four bytes a reference
    and record, in memory or beside it (see :func:`mia_dual.attacks.scratch.scratch`). ``execution``
    (None: that of ``means``): the memory there is, and how many threads read models side by side.
    Neither moves a signal.
    """

    def __init__(
        self,
        versions: Sequence[Version],
        members: Mapping[str, np.ndarray],
        rows: np.ndarray,
        answers: Answers,
        labels: np.ndarray,
        means: Optional[Means] = None,
        execution: Optional[Execution] = None,
    ) -> None:
        self.versions, self.rows = tuple(versions), rows
        self.names = tuple(version.name for version in versions)
        self.labels = labels[rows]
        self.inside = np.empty((len(versions), len(rows)), bool)
        for place, name in enumerate(self.names):
            # Several times as fast as looking for each row among the members.
            seen = np.zeros(len(labels), bool)
            seen[members[name]] = True
            np.take(seen, rows, out=self.inside[place])
        if execution is None:
            execution = DEFAULT if means is None else means.trainer.engine.execution
        self._answers, self._means, self._workers = answers, means, execution.workers
        self._limit = execution.room
        self._values: dict[View, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def place(self, name: str) -> int:
        """Where in ``names`` a reference is."""
        return self.names.index(name)

    def values(self, signal: Signal) -> np.ndarray:
        """(references, rows) float32."""
        view = _view(signal)
        if view not in self._values:
            # Takes a moment to import, and a finished run asks nothing of it.
            from joblib import cpu_count

            found = scratch(self.inside.shape, self._limit)
            if fits(self.inside.shape, self._limit):
                # It stays, and leaves so much less to those that come.
                self._limit -= found.nbytes

            def fill(place: int) -> None:
                found[place] = self.of(self.versions[place], view, self._answers)

            # Threads, since NumPy lets others run while it computes; what has to ask goes alone.
            workers = self._workers or cpu_count()
            with ThreadPoolExecutor(workers if isinstance(view, OfLogits) else 1) as threads:
                for _ in threads.map(fill, range(len(self.versions))):
                    pass
            self._values[view] = found
        return self._values[view]

    def of(self, version: Version, signal: Signal, answers: Answers) -> np.ndarray:
        """The signal of ``version``, whose models ``answers`` are of: (rows,) float64."""
        scene = Scene(self.rows, self.labels, answers, self._means)
        return _view(signal).of(version, scene)

    def panel(
        self,
        signal: Signal,
        target: np.ndarray,
        without: Collection[str],
        records: Optional[np.ndarray] = None,
    ) -> Panel:
        """The panel of a model that gives ``target`` (rows,), all references but ``without``.

        ``records`` (rows,) bool: those of the rows it is of; None: all.
        """
        values, inside = self._without(self.values(signal), without)
        if records is None:
            return Panel(target, values, inside, self.labels)
        return Panel(target[records], values[:, records], inside[:, records], self.labels[records])

    def _without(
        self, values: np.ndarray, without: Collection[str]
    ) -> tuple[np.ndarray, np.ndarray]:
        """The ``values`` of all references but ``without``, and who was inside those."""
        kept = np.array([name not in without for name in self.names])
        places = np.flatnonzero(kept)
        if not len(places) or places[-1] - places[0] + 1 == len(places):
            # One target is the last of all: nothing has to be copied.
            run = slice(places[0], places[-1] + 1) if len(places) else slice(0, 0)
            return values[run], self.inside[run]
        some = scratch((len(places), len(self)), self._limit)
        return np.compress(kept, values, axis=0, out=some), self.inside[kept]


def _view(signal: Signal) -> View:
    return OfLogits(signal) if isinstance(signal, str) else signal
