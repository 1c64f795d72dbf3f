"""Signals of references: models x records, worked out once for all attacks that look at them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Optional

import numpy as np

from mia_dual.answers import Answers
from mia_dual.attacks.panel import Panel
from mia_dual.signals import SIGNALS


class SignalTable:
    """What references say of ``rows`` (sorted record indices), signal by signal.

    ``names``: the references, each asked about ``rows``. ``members``: the records each was trained
    on. ``labels`` are those of all records. A model's logits are read once a signal, one model in
    memory at a time; signals stay, at four bytes a model and record.
    """

    def __init__(
        self,
        names: Sequence[str],
        members: Mapping[str, np.ndarray],
        rows: np.ndarray,
        answers: Answers,
        labels: np.ndarray,
    ) -> None:
        self.names, self.rows = tuple(names), rows
        self.labels = labels[rows]
        self.inside = np.stack([np.isin(rows, members[name]) for name in names])
        self._answers = answers
        self._values: dict[str, np.ndarray] = {}

    def __len__(self) -> int:
        return len(self.rows)

    def place(self, name: str) -> int:
        """Where in ``names`` a reference is."""
        return self.names.index(name)

    def values(self, signal: str) -> np.ndarray:
        """(references, rows) float32."""
        if signal not in self._values:
            found = np.empty(self.inside.shape, np.float32)
            for place, name in enumerate(self.names):
                found[place] = SIGNALS[signal](self._answers.of(name, self.rows), self.labels)
            self._values[signal] = found
        return self._values[signal]

    def panel(
        self,
        signal: str,
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
