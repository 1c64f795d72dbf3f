"""Signals of references: models x records, worked out once for all attacks that look at them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Optional, Union

import numpy as np

from mia_dual.answers import Answers
from mia_dual.attacks.asked import Means
from mia_dual.attacks.panel import Panel
from mia_dual.attacks.views import OfLogits, View
from mia_dual.plan.plan import Version

Signal = Union[str, View]
"""A view, or one of logits by the signal's name."""


class SignalTable:
    """What references say of ``rows`` (sorted record indices), signal by signal.

    ``names``: the references, each asked about ``rows``. ``members``: the records each was trained
    on. ``labels`` are those of all records. ``means`` ask for what is not in ``answers``. A model
    is looked at once a signal, one model in memory at a time; signals stay, at four bytes a model
    and record.
    """

    def __init__(
        self,
        names: Sequence[str],
        members: Mapping[str, np.ndarray],
        rows: np.ndarray,
        answers: Answers,
        labels: np.ndarray,
        means: Optional[Means] = None,
    ) -> None:
        self.names, self.rows = tuple(names), rows
        self.labels = labels[rows]
        self.inside = np.stack([np.isin(rows, members[name]) for name in names])
        self._answers, self._means = answers, means
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
            found = np.empty(self.inside.shape, np.float32)
            for place, name in enumerate(self.names):
                found[place] = self.of(Version(name, (name,)), view, self._answers)
            self._values[view] = found
        return self._values[view]

    def of(self, version: Version, signal: Signal, answers: Answers) -> np.ndarray:
        """The signal of ``version``, whose models ``answers`` are of: (rows,) float64."""
        return _view(signal).of(version, answers, self._means, self.rows, self.labels)

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
        models = np.array([name not in without for name in self.names])
        values, inside = self.values(signal), self.inside
        if not models.all():
            values, inside = values[models], inside[models]
        if records is None:
            return Panel(target, values, inside, self.labels)
        return Panel(target[records], values[:, records], inside[:, records], self.labels[records])


def _view(signal: Signal) -> View:
    return OfLogits(signal) if isinstance(signal, str) else signal
