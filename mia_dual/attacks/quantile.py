"""No shadows at all: what the target would say of a record it never saw, learnt from such records.

Bertran et al. 2023, "Scalable membership inference attacks via quantile regression", in its
Gaussian form: from a record and its label, the mean and the spread of a non-member's signal are
predicted, and a record scores by where in that distribution its own signal lies.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mia_dual.errors import DataError
from mia_dual.interface import Records
from mia_dual.seeds import generator

COMPONENTS = 50
"""Principal components of the records that the signal is predicted from, beside the label."""

WAVES = 1000
"""Random Fourier features beside these at most (Rahimi & Recht 2007): a ridge regression on them is
one with a Gaussian kernel, and bends with the records. Many records allow many: on Fashion-MNIST
4,000 and 1,000 double what a linear regression gains over a plain threshold, as boosted trees do,
which are fitted again for every model; on digits, 1,000 and 1,000 lose all of it.
"""

RECORDS_A_WAVE = 4
"""Of the population, at least."""

PAIRS = 1000
"""Pairs of records whose median distance is the kernel's width."""

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
        features = _Features(known, records.labels[population], seed)
        self._design = _Design(
            features.of(known, records.labels[population]),
            features.of(asked, records.labels[rows]),
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


class _Features:
    """What signals are predicted from: the records' main directions, their label, and waves over
    both; all of it fitted to the population.
    """

    def __init__(self, known: np.ndarray, labels: np.ndarray, seed: int) -> None:
        # scikit-learn takes a second to import, and most runs need none of this.
        from sklearn.utils.extmath import randomized_svd

        rng = generator(seed, "attack", "quantile")
        self._classes = np.unique(labels)
        self._middle = known.mean(axis=0)
        count = min(COMPONENTS, *known.shape)
        _, strength, directions = randomized_svd(
            known - self._middle, count, random_state=int(rng.integers(2**31))
        )
        # The first direction has variance 1, then: no unit of the features counts.
        self._directions = directions.T / _unit(float(strength[0]) / np.sqrt(len(known)))
        plain = self._plain(known, labels)
        one, other = plain[rng.integers(0, len(plain), (2, PAIRS))]
        width = _unit(float(np.median(np.linalg.norm(one - other, axis=1))))
        count = max(1, min(WAVES, len(known) // RECORDS_A_WAVE))
        self._waves = rng.standard_normal((plain.shape[1], count)) / width
        self._phases = rng.uniform(0, 2 * np.pi, count)

    def of(self, flat: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """(records, features) float64."""
        plain = self._plain(flat, labels)
        waves = np.cos(plain @ self._waves + self._phases)
        # All waves together weigh as much as three of the first direction, however many they are.
        waves *= 3 * np.sqrt(2 / len(self._phases))
        return np.concatenate([plain, waves], axis=1)

    def _plain(self, flat: np.ndarray, labels: np.ndarray) -> np.ndarray:
        along = (flat - self._middle) @ self._directions
        return np.concatenate([along, labels[:, None] == self._classes], axis=1).astype(np.float64)


def _unit(size: float) -> float:
    """``size`` as something to divide by."""
    return size if size > 0 else 1.0
