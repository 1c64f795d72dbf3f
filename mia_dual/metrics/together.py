"""What several attacks find together, and what each finds alone: two with one AUC may expose
different people.

``found`` is bool, who is accused, of the same records for all attacks: (records,), or (attacks,
records) where there are several. Records of several targets may be thrown together, a pair of
target and record in each place; ``membership`` then has as many places.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Optional

import numpy as np

from mia_dual.metrics.ranking import threshold_at, tpr_at_fpr
from mia_dual.metrics.rates import false_positive_rate, true_positive_rate


class Overlap(NamedTuple):
    """Of two attacks: how many members both find, and only the one or the other.

    ``jaccard``: the share that both find of those that either finds; None where neither finds any.
    """

    both: int
    only_first: int
    only_second: int
    jaccard: Optional[float]


class Persistence(NamedTuple):
    """Of one attack over several targets, among the ``asked`` members of two targets or more: how
    many it finds in one of those targets at least, and in all of them.
    """

    asked: int
    ever: int
    always: int


@dataclass(frozen=True)
class Union:
    """Of all attacks together, a record being accused where any attack accuses it; None is a rate
    that cannot be known.

    ``tpr`` and ``fpr`` with each attack's own threshold: the union accuses more non-members than
    each. ``matched_tpr``: with thresholds raised together, as far as it takes to hold the union to
    the rate that each was allowed. ``best_tpr``: the best attack's alone at that rate, to set it
    against.
    """

    tpr: Optional[float]
    fpr: Optional[float]
    matched_tpr: Optional[float]
    best_tpr: Optional[float]


def found_at(membership: np.ndarray, scores: np.ndarray, fpr: float) -> Optional[np.ndarray]:
    """(records,) bool, who is accused at ``fpr``, as :func:`mia_dual.metrics.tpr_at_fpr` does.

    None where non-members are too few to show ``fpr``.
    """
    threshold = threshold_at(membership, scores, fpr)
    return None if threshold is None else scores > threshold


def overlap(membership: np.ndarray, first: np.ndarray, second: np.ndarray) -> Overlap:
    """Which members two attacks find; ``first`` and ``second`` are (records,) bool."""
    one, other = first[membership], second[membership]
    both, either = int((one & other).sum()), int((one | other).sum())
    return Overlap(
        both=both,
        only_first=int(one.sum()) - both,
        only_second=int(other.sum()) - both,
        jaccard=both / either if either else None,
    )


def persistence(membership: np.ndarray, found: np.ndarray) -> Persistence:
    """Who an attack ever and always finds; both are (targets, records) bool.

    A record that a target is not asked about counts as no member of it.
    """
    times = membership.sum(axis=0)
    hits = (membership & found).sum(axis=0)[times > 1]
    times = times[times > 1]
    return Persistence(len(times), int((hits > 0).sum()), int((hits == times).sum()))


def union(membership: np.ndarray, scores: np.ndarray, fpr: float) -> Union:
    """What all attacks find together at ``fpr``; ``scores`` is (attacks, records), one at least.

    For the matched rate each attack tells of each record how many non-members score as high as it
    at least. The least of these over attacks ranks the records; all attacks' thresholds then stand
    at one place among their non-members, the lowest that keeps the union to ``fpr``.
    """
    single = [tpr_at_fpr(membership, score, fpr) for score in scores]
    found = [found_at(membership, score, fpr) for score in scores]
    if any(part is None for part in (*single, *found)):
        return Union(None, None, None, None)
    accused = np.any([flags for flags in found if flags is not None], axis=0)
    outrank = np.min([_as_high(membership, score) for score in scores], axis=0)
    return Union(
        tpr=true_positive_rate(membership, accused),
        fpr=false_positive_rate(membership, accused),
        matched_tpr=tpr_at_fpr(membership, -outrank, fpr),
        best_tpr=max(tpr for tpr in single if tpr is not None),
    )


def _as_high(membership: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """(records,) int64: how many non-members score as high as a record at least, itself too."""
    outside = np.sort(-scores[~membership])
    return np.searchsorted(outside, -scores, side="right")
