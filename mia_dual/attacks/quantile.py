"""No shadows at all: what the target would say of a record it never saw, learnt from such records.

Bertran et al. 2023, "Scalable membership inference attacks via quantile regression", in its
Gaussian form: from a record and its label, the mean and the spread of a non-member's signal are
predicted, and a record scores by where in that distribution its own signal lies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mia_dual.attacks.base import Need
from mia_dual.errors import DataError
from mia_dual.interface import Records
from mia_dual.seeds import generator

NEEDS = frozenset({Need.POPULATION, Need.FEATURES})

COMPONENTS = 50
"""Principal components of the records that the signal is predicted from, beside the label."""

PENALTIES = np.logspace(-6, 1, 15)
"""Ridge penalties to choose from, by leaving out one record each time; in units of the design's
largest variance.
"""

FLOOR = 1e-3
"""Residuals below this share of their deviation count as this share when logs are taken."""


class QuantileRegression:
    """Fitted to records alone; signals of as many models as wanted are then held against them.

    ``population``: rows (population,) of ``records`` that no model was trained on which is asked
    about them. ``rows``: (asked,), those to score. Raises DataError for a population of fewer than
    two records, from which no spread can be known.
    """

    def __init__(
        self, records: Records, population: np.ndarray, rows: np.ndarray, seed: int
    ) -> None:
        if len(population) < 2:
            raise DataError(
                f"quantile regression learns from records that the target never saw, and has "
                f"{len(population)}: give it 50 at least"
            )
        known, asked = _flat(records, population), _flat(records, rows)
        directions = _components(known, seed)
        classes = np.unique(records.labels[population])
        self._design = _Design(
            _features(known, directions, records.labels[population], classes),
            _features(asked, directions, records.labels[rows], classes),
        )

    def scores(self, population: np.ndarray, signals: np.ndarray) -> np.ndarray:
        """How far the asked records' signals lie above a non-member's, in its deviations.

        ``population`` (models, population) float64, what each model's signal is on the
        population. ``signals`` (models, asked). Gives (models, asked) float64, finite, the higher
        the more a member; a model's scores depend on that model alone.
        """
        found = np.empty(signals.shape)
        for row, known, asked in zip(found, population, signals):
            row[:] = self._places(known, asked)
        return found

    def _places(self, known: np.ndarray, asked: np.ndarray) -> np.ndarray:
        mean = self._design.regress(known)
        deviation = float(mean.left_out.std())
        # Of a signal that never changes there is nothing to learn but that.
        if deviation == 0:
            return np.asarray(asked - mean.predicted)
        logs = np.log(np.maximum(np.abs(mean.left_out), FLOOR * deviation))
        spread = self._design.regress(logs)
        unit = float(np.sqrt(np.mean((mean.left_out / np.exp(logs - spread.left_out)) ** 2)))
        return np.asarray((asked - mean.predicted) / (unit * np.exp(spread.predicted)))


@dataclass(frozen=True)
class _Regression:
    """``predicted`` (asked,); ``left_out`` (population,): each record's residual when it is the
    one left out.
    """

    predicted: np.ndarray
    left_out: np.ndarray


class _Design:
    """Ridge regression on the same features again and again, in closed form."""

    def __init__(self, known: np.ndarray, asked: np.ndarray) -> None:
        middle = known.mean(axis=0)
        self._left, strength, right = np.linalg.svd(known - middle, full_matrices=False)
        # Directions in which the population does not differ say nothing, and would be noise.
        real = strength > 1e-9 * max(strength.max(initial=0.0), 1e-300)
        self._left, strength = self._left[:, real], strength[real]
        self._asked = (asked - middle) @ right[real].T / strength
        squared = strength**2
        penalties = PENALTIES[:, None] * squared.max(initial=0.0)
        self._kept = squared / (squared + penalties)
        leverage = 1 / len(known) + self._kept @ (self._left**2).T
        self._without = np.maximum(1 - leverage, 1e-6)

    def regress(self, values: np.ndarray) -> _Regression:
        """``values`` (population,) from features, by the penalty that leaves least left out.

        What is predicted stays within the values there were.
        """
        middle = values.mean()
        along = self._left.T @ (values - middle)
        left_out = (values - middle - (self._kept * along) @ self._left.T) / self._without
        best = int((left_out**2).sum(axis=1).argmin())
        predicted = middle + self._asked @ (self._kept[best] * along)
        return _Regression(predicted.clip(values.min(), values.max()), left_out[best])


def _flat(records: Records, rows: np.ndarray) -> np.ndarray:
    return records.inputs(rows).reshape(len(rows), -1)


def _components(known: np.ndarray, seed: int) -> np.ndarray:
    """The middle of the records, and below it their main directions: (1 + components, features).

    Scaled so that the first direction has variance 1: then no unit of the features counts.
    """
    # scikit-learn takes a second to import, and most runs need none of this.
    from sklearn.utils.extmath import randomized_svd

    middle = known.mean(axis=0, keepdims=True)
    count = min(COMPONENTS, *known.shape)
    state = int(generator(seed, "attack", "quantile").integers(2**31))
    _, strength, directions = randomized_svd(known - middle, count, random_state=state)
    unit = float(strength[0]) / np.sqrt(len(known))
    return np.concatenate([middle, directions / (unit if unit > 0 else 1.0)])


def _features(
    flat: np.ndarray, directions: np.ndarray, labels: np.ndarray, classes: np.ndarray
) -> np.ndarray:
    along = (flat - directions[0]) @ directions[1:].T
    return np.concatenate([along, labels[:, None] == classes], axis=1).astype(np.float64)
