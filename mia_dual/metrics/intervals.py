"""How far a figure may be from the truth, with few records as with many."""

from __future__ import annotations

from statistics import NormalDist
from typing import Callable, Optional

import numpy as np

from mia_dual.metrics.ranking import auc, ranks

PRIOR = 6
"""Records of the smaller side that the model's variance weighs as much as, against the data's.

Chosen by simulation among 2, 4, 6 and 8: the least that covers at 5 records a side.
"""


def auc_interval(
    membership: np.ndarray, scores: np.ndarray, confidence: float = 0.95
) -> Optional[tuple[float, float]]:
    """A confidence interval of :func:`auc`, within [0, 1] and never without width.

    The AUCs t with \\|auc - t\\| <= z sqrt(r V(t)), solved for both ends. V is the variance that
    exponential scores would have (Hanley and McNeil 1982) in the form of Newcombe 2006, Statistics
    in Medicine 25, 559-573, method 5. Alone it is too wide for scores with many ties, and
    too narrow where the side with fewer records is the more spread. So r is the ratio of DeLong's
    variance S (DeLong et al. 1988, which supposes no distribution) to V, drawn towards 1 where
    records are too few to tell, and 1 where members and non-members do not overlap::

        r = (n S + PRIOR V(s)) / (n V(auc) + PRIOR V(s))

    with n the records of the smaller side and s = (n auc + 1) / (n + 2). With many records this
    is DeLong's interval. Simulated at 5 to 100 records a side it holds the truth in .93 to .98 of
    draws from normal scores of equal spread, rounded or not; in more where nearly all are tied.

    None where either side has fewer than two records: nothing is known of their spread then.
    """
    inside = int(membership.sum())
    outside = len(membership) - inside
    smaller = min(inside, outside)
    found = auc(membership, scores)
    if found is None or smaller < 2:
        return None
    prior = PRIOR * _newcombe((smaller * found + 1) / (smaller + 2), inside, outside)
    ratio = (smaller * _delong(membership, scores) + prior) / (
        smaller * _newcombe(found, inside, outside) + prior
    )
    reach = NormalDist().inv_cdf(0.5 + confidence / 2) ** 2 * ratio

    def holds(area: float) -> bool:
        return (area - found) ** 2 <= reach * _newcombe(area, inside, outside)

    return _edge(holds, found, 0.0), _edge(holds, found, 1.0)


def _newcombe(area: float, inside: int, outside: int) -> float:
    """Variance of an AUC whose true value is ``area``; the same for 1 - ``area``."""
    others = (inside + outside) / 2 - 1
    shared = others * (1 - area) / (2 - area) + others * area / (1 + area)
    return area * (1 - area) * (1 + shared) / (inside * outside)


def _delong(membership: np.ndarray, scores: np.ndarray) -> float:
    """Variance of the AUC, from how the records of each side spread among the other's."""
    inside, outside = scores[membership], scores[~membership]
    places = ranks(scores)
    beaten = (places[membership] - ranks(inside)) / len(outside)
    beating = (places[~membership] - ranks(outside)) / len(inside)
    return float(beaten.var(ddof=1) / len(inside) + beating.var(ddof=1) / len(outside))


def _edge(holds: Callable[[float], bool], inner: float, outer: float) -> float:
    """Where ``holds`` ends between ``inner``, where it does hold, and ``outer``, by bisection."""
    for _ in range(60):
        middle = (inner + outer) / 2
        if holds(middle):
            inner = middle
        else:
            outer = middle
    return outer
