"""Quantile regression as an attack: on what versions under attack say of a population."""

from __future__ import annotations

from importlib.metadata import version
from typing import Any, Optional

import numpy as np

from mia_dual.attacks.asked import Asked
from mia_dual.attacks.base import Known, Need
from mia_dual.attacks.quantile import QuantileRegression
from mia_dual.attacks.references import References
from mia_dual.signals import SIGNALS

SIGNAL = "log_odds"

LEAST = 50
"""Records that a stand-in for the target never saw, below which no threshold rests on it."""


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
    """The records, and what references say of them."""

    def __init__(self, references: References, seed: int) -> None:
        signals, means = references.signals, references.means
        if signals is None or signals.population is None or means is None:
            raise ValueError(f"quantile needs {Need.POPULATION.value}, and {Need.FEATURES.value}")
        self._signals, self._population = signals, signals.population
        self._records, self._seed = means.family.records, seed
        self._latest: Optional[tuple[np.ndarray, np.ndarray, QuantileRegression]] = None

    def scores(self, asked: Asked, rows: np.ndarray) -> np.ndarray:
        """See :class:`mia_dual.attacks.base.Scorer`."""
        learnt = self._population.rows
        signal, labels = SIGNALS[SIGNAL], self._records.labels
        return self._regression(learnt, rows).scores(
            signal(asked.logits(learnt), labels[learnt]), signal(asked.logits(rows), labels[rows])
        )

    def known(self) -> Optional[Known]:
        """Of stand-ins for the target, each with those records for its population that it never
        saw; where they are scored themselves, each is left out of the regression.
        """
        table, population = self._signals.known, self._population
        if table is None:
            return None
        scores, membership = [], []
        for stand_in in self._signals.stand_ins:
            unseen = ~population.inside[population.place(stand_in)]
            if unseen.sum() < LEAST:
                continue
            learnt = population.rows[unseen]
            of_learnt = population.values(SIGNAL)[population.place(stand_in), unseen][None]
            of_known = table.values(SIGNAL)[table.place(stand_in)]
            within = np.isin(table.rows, learnt)
            regression = self._regression(learnt, table.rows[~within])
            found = np.empty(len(table))
            found[~within] = regression.scores(of_learnt, of_known[None, ~within])[0]
            if within.any():
                (left_out,) = regression.left_out(of_learnt)
                found[within] = left_out[np.searchsorted(learnt, table.rows[within])]
            scores.append(found)
            membership.append(table.inside[table.place(stand_in)])
        if not scores:
            return None
        return Known(np.concatenate(scores), np.concatenate(membership))

    def _regression(self, learnt: np.ndarray, rows: np.ndarray) -> QuantileRegression:
        """One from ``learnt`` to ``rows``: the latest, where those are its own."""
        if self._latest is not None:
            of, asked, regression = self._latest
            if np.array_equal(of, learnt) and np.array_equal(asked, rows):
                return regression
        regression = QuantileRegression(self._records, learnt, rows, self._seed)
        self._latest = learnt, rows, regression
        return regression
