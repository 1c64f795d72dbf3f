"""How far a figure may be from the truth, with few records as with many."""

from __future__ import annotations

from statistics import NormalDist
from typing import Callable, Optional

import numpy as np

from mia_dual.metrics.ranking import placements

PRIOR = 6
"""Records of the smaller side that the model's variance weighs as much as, against the data's.

Chosen by simulation among 2, 4, 6 and 8: the least that covers at 5 records a side.
"""


def auc_interval(
    membership: np.ndarray, scores: np.ndarray, confidence: float = 0.95
) -> Optional[tuple[float, float]]:
    """A confidence interval of :func:`auc`, within [0, 1] and never without width.

    It holds every AUC t with (auc - t)^2 <= z^2 r V(t). V is the variance of Newcombe 2006,
    Statistics in Medicine 25, 559-573, method 5 (Hanley and McNeil 1982, with the sides taken as
    equal): V(t) = t (1 - t) (1 + N (1 - t) / (2 - t) + N t / (1 + t)) / (m n), m and n the
    records of each side and N = (m + n) / 2 - 1. Alone it is too wide for scores with many ties,
    and too narrow where the smaller side is the more spread. So r sets it to DeLong's variance S
    (DeLong et al. 1988, Biometrics 44, 837-845), which supposes no distribution, but the less the
    fewer the records: with k the smaller side's and s = (k auc + 1) / (k + 2)::

        r = (k S + PRIOR V(s)) / (k V(auc) + PRIOR V(s))

    With many records this is DeLong's interval; where the sides do not overlap, Newcombe's.
    Simulated at 5 to 100 records a side, it holds the truth in .94 to .975 of draws from normal
    scores of equal spread, in steps or not, in more where nearly all are tied, and in .89 at worst
    where the side with a tenth of the records is spread twice as far.

    None where either side has fewer than two records: nothing is known of their spread then.
    """
    inside = int(membership.sum())
    outside = len(membership) - inside
    smaller = min(inside, outside)
    if smaller < 2:
        return None
    beaten, beating = placements(membership, scores)
    found = float(beaten.mean())
    delong = float(beaten.var(ddof=1) / inside + beating.var(ddof=1) / outside)
    prior = PRIOR * _newcombe((smaller * found + 1) / (smaller + 2), inside, outside)
    ratio = (smaller * delong + prior) / (smaller * _newcombe(found, inside, outside) + prior)
    reach = NormalDist().inv_cdf(0.5 + confidence / 2) ** 2 * ratio

    def holds(area: float) -> bool:
        return (area - found) ** 2 <= reach * _newcombe(area, inside, outside)

    return _edge(holds, found, 0.0), _edge(holds, found, 1.0)


def _newcombe(area: float, inside: int, outside: int) -> float:
    """Variance of an AUC whose true value is ``area``; the same for 1 - ``area``."""
    others = (inside + outside) / 2 - 1
    shared = others * (1 - area) / (2 - area) + others * area / (1 + area)
    return area * (1 - area) * (1 + shared) / (inside * outside)


def _edge(holds: Callable[[float], bool], inner: float, outer: float) -> float:
    """Where ``holds`` ends between ``inner``, where it does hold, and ``outer``, by bisection."""
    for _ in range(60):
        middle = (inner + outer) / 2
        if holds(middle):
            inner = middle
        else:
            outer = middle
    return outer
