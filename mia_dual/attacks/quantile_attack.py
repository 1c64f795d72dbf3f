"""Quantile regression as an attack: on what versions under attack say of a population."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Callable, Optional

import numpy as np

from mia_dual.attacks.asked import Asked
from mia_dual.attacks.base import Known, Need
from mia_dual.attacks.evidence import balance
from mia_dual.attacks.quantile import QuantileRegression
from mia_dual.attacks.references import References
from mia_dual.signals import SIGNALS

SIGNAL = "log_odds"

LEAST = 50
"""Records that a stand-in for the target learns from, below which no threshold rests on it."""


class QuantileAttack:
    """Bertran et al. 2023; see :mod:`mia_dual.attacks.quantile`.

    A version's scores depend on that version alone; references are for thresholds.
    """

    name = "quantile"
    needs = frozenset({Need.POPULATION, Need.FEATURES})
    by_target = False

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def describe(self) -> dict[str, Any]:
        """See :class:`mia_dual.attacks.base.Attack`."""
        return {"name": self.name, "seed": self._seed, "scikit-learn": version("scikit-learn")}

    def fit(self, references: References) -> QuantileScorer:
        """Nothing is learnt before a version is asked."""
        return QuantileScorer(references, self._seed)


class QuantileScorer:
    """The records, and the shadows that stand in for the target."""

    def __init__(self, references: References, seed: int) -> None:
        signals, means = references.signals, references.means
        if signals is None or signals.population is None or means is None:
            raise ValueError(f"quantile needs {Need.POPULATION.value}, and {Need.FEATURES.value}")
        self._population, self._stand_ins = signals.population.rows, signals.stand_ins
        self._shadows = references.shadows
        self._records, self._seed = means.family.records, seed

    def scores(self, asked: Asked, rows: np.ndarray) -> np.ndarray:
        """See :class:`mia_dual.attacks.base.Scorer`."""
        return self._scores(asked.logits, self._population, rows)

    def known(self) -> Optional[Known]:
        """Of stand-ins for the target, each asked about members and non-members of its own; none
        of either is of its population, since a regression knows too well what it has learnt from.
        """
        shadows = self._shadows
        chosen = balance(shadows.memberships, shadows.labels, shadows.seed)
        scores, membership = [], []
        for shadow, whole, own in zip(shadows.versions, shadows.memberships, chosen):
            learnt = np.setdiff1d(self._population, whole.rows)
            if shadow.name not in self._stand_ins or len(learnt) < LEAST or not len(own.rows):
                continue
            stand_in = Asked([shadow], shadows.answers)
            (found,) = self._scores(stand_in.logits, learnt, own.rows)
            scores.append(found)
            membership.append(np.isin(own.rows, own.members))
        if not scores:
            return None
        return Known(np.concatenate(scores), np.concatenate(membership))

    def _scores(
        self, logits: Callable[[np.ndarray], np.ndarray], population: np.ndarray, rows: np.ndarray
    ) -> np.ndarray:
        """(models, rows) of those whose ``logits`` of records are (models, records, classes)."""
        signal, labels = SIGNALS[SIGNAL], self._records.labels
        regression = QuantileRegression(self._records, population, rows, self._seed)
        return regression.scores(
            signal(logits(population), labels[population]), signal(logits(rows), labels[rows])
        )
