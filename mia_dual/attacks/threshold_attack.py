"""A signal held against one threshold, or one a class, fitted on shadows' evidence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Optional

import numpy as np

from mia_dual.attacks.asked import Asked
from mia_dual.attacks.base import Known, Need
from mia_dual.attacks.cuts import BLOCK
from mia_dual.attacks.references import References, Shadows
from mia_dual.attacks.thresholds import Cuts, class_thresholds
from mia_dual.signals import SIGNALS


class ThresholdAttack:
    """Yeom et al. 2018; Song & Mittal 2021. ``signal``: a name of :data:`SIGNALS`.

    ``per_class``: a score is how far the signal is above the threshold of the record's class.
    """

    by_target = False

    def __init__(self, name: str, signal: str, per_class: bool = False) -> None:
        self.name, self._signal, self._per_class = name, signal, per_class
        self.needs = frozenset({Need.SHADOWS}) if per_class else frozenset()

    def describe(self) -> dict[str, Any]:
        """See :class:`mia_dual.attacks.base.Attack`."""
        return {"name": self.name, "signal": self._signal, "per_class": self._per_class}

    def fit(self, references: References) -> ThresholdScorer:
        """Fit the thresholds."""
        return ThresholdScorer(references.shadows, SIGNALS[self._signal], self._per_class)


class ThresholdScorer:
    """The signal, and the thresholds of the classes where they have their own."""

    def __init__(
        self,
        shadows: Shadows,
        signal: Callable[[np.ndarray, np.ndarray], np.ndarray],
        per_class: bool,
    ) -> None:
        self._signal, self._labels = signal, shadows.audited_labels
        self._cuts: Optional[Cuts] = None
        self._known: Optional[Known] = None
        if shadows.versions:
            told = shadows.told(signal)
            if per_class:
                self._cuts = class_thresholds(told.values, told.labels, told.membership)
            if len(told.values):
                self._take_cuts(told.values, told.labels)
                self._known = Known(told.values, told.membership)

    def scores(self, asked: Asked, rows: np.ndarray) -> np.ndarray:
        """See :class:`mia_dual.attacks.base.Scorer`."""
        labels = self._labels[rows]
        values = self._signal(asked.logits(rows), labels)
        self._take_cuts(values, labels)
        return values

    def known(self) -> Optional[Known]:
        """Of shadows' evidence, which thresholds of classes were fitted on, too."""
        return self._known

    def _take_cuts(self, values: np.ndarray, labels: np.ndarray) -> None:
        if self._cuts is None:
            return
        # In place and in parts: those of all shadows are many.
        for start in range(0, len(labels), BLOCK):
            part = slice(start, start + BLOCK)
            values[..., part] -= self._cuts.of(labels[part])
