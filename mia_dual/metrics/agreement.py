"""How far two runs say the same: of records, by their scores; of models, by their numbers.

``first`` and ``second`` are arrays of one shape, about the same records or models.
"""

from __future__ import annotations

from typing import Optional

import numpy as np

from mia_dual.metrics.ranking import ranks


def spearman(first: np.ndarray, second: np.ndarray) -> Optional[float]:
    """Spearman's correlation of (records,) scores: Pearson's of their ranks, ties sharing the mean
    of theirs. None where one of them is the same for all records, or there are fewer than two.
    """
    places = ranks(first), ranks(second)
    if len(first) < 2 or any(ranking.min() == ranking.max() for ranking in places):
        return None
    one, other = (ranking - ranking.mean() for ranking in places)
    found = (one @ other) / np.sqrt((one @ one) * (other @ other))
    return float(np.clip(found, -1, 1))


def apart(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Absolute differences, float64: equal infinities differ by 0, what is NaN by infinity."""
    one, other = np.asarray(first, np.float64), np.asarray(second, np.float64)
    with np.errstate(invalid="ignore"):
        found: np.ndarray = np.abs(one - other)
    found[one == other] = 0.0
    found[np.isnan(found)] = np.inf
    return found
