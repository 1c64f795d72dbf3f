"""What the order of scores tells, whatever threshold is drawn."""

from __future__ import annotations

import math
from typing import NamedTuple, Optional

import numpy as np


def ranks(scores: np.ndarray) -> np.ndarray:
    """The place of each score, the lowest 1, equal scores sharing the mean of theirs.

    Returns (records,) float64. No score has a place where one is NaN: all are NaN then.
    """
    order = np.argsort(scores, kind="stable")
    ascending = scores[order]
    if len(ascending) and np.isnan(ascending[-1]):
        return np.full(len(scores), np.nan)
    places = np.empty(len(scores))
    new = ascending[1:] != ascending[:-1]
    if new.all():
        places[order] = np.arange(1.0, len(scores) + 1)
        return places
    starts = np.flatnonzero(np.concatenate([[True], new]))
    ends = np.append(starts[1:], len(scores))
    places[order] = np.repeat((starts + 1 + ends) / 2, ends - starts)
    return places


def auc(membership: np.ndarray, scores: np.ndarray) -> Optional[float]:
    """Area under the ROC curve: how often a member outscores a non-member, ties counting half.

    None where either side is empty.
    """
    inside = int(membership.sum())
    outside = len(membership) - inside
    if not inside or not outside:
        return None
    wins = ranks(scores)[membership].sum() - inside * (inside + 1) / 2
    return float(wins / (inside * outside))


def placements(membership: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of each member the share of non-members that it outscores, of each non-member the share of
    members that outscore it, ties counting half: (members,) and (non-members,) float64.

    Both have :func:`auc` for their mean (DeLong et al. 1988, Biometrics 44, 837-845). Neither
    side may be empty.
    """
    inside, outside = scores[membership], scores[~membership]
    places = ranks(scores)
    beaten = (places[membership] - ranks(inside)) / len(outside)
    beating = 1 - (places[~membership] - ranks(outside)) / len(inside)
    return beaten, beating


def tpr_at_fpr(membership: np.ndarray, scores: np.ndarray, fpr: float) -> Optional[float]:
    """Share of members found by the lowest threshold that accuses at most ``fpr`` non-members.

    A record is accused when its score is above the threshold, so ties with the threshold are
    not. None where either side is empty, or non-members are too few to show ``fpr`` at all
    (fewer than 1 / fpr). At 0 it is the share of members above the highest non-member.
    """
    threshold = threshold_at(membership, scores, fpr)
    found = scores[membership] > threshold if threshold is not None else scores[:0]
    return float(found.mean()) if len(found) else None


def threshold_at(membership: np.ndarray, scores: np.ndarray, fpr: float) -> Optional[float]:
    """The lowest score such that at most ``fpr`` of non-members are above it: that of one of them.

    Minus infinity where all may be above. None where non-members are too few to show ``fpr``.
    """
    outside = scores[~membership]
    count = tolerated(len(outside), fpr)
    if count is None:
        return None
    if count == len(outside):
        return -math.inf
    place = len(outside) - 1 - count
    return float(np.partition(outside, place)[place])


def tolerated(non_members: int, fpr: float) -> Optional[int]:
    """How many of ``non_members`` a threshold may accuse at ``fpr``: floor(fpr x non-members).

    None where that is fewer than one, unless ``fpr`` is 0: too few to show the rate. What float
    arithmetic takes from a whole number is given back (.29 of 100 are 29).
    """
    count = math.floor(non_members * fpr + 1e-9)
    return count if non_members and (count or fpr == 0) else None


class Roc(NamedTuple):
    """The corners of a ROC curve: (corners,) each, thresholds falling, rates rising from 0 to 1.

    A corner is reached by accusing the records *at or above* its threshold. Thresholds are the
    distinct scores, and before them the next number above the highest.
    """

    thresholds: np.ndarray
    fpr: np.ndarray
    tpr: np.ndarray


def roc(membership: np.ndarray, scores: np.ndarray) -> Optional[Roc]:
    """All corners of the ROC curve; None where either side is empty.

    Thresholds have the scores' type, rates are float64. scikit-learn's ``roc_curve`` with
    ``drop_intermediate=False``, apart from the first threshold (infinity there).
    """
    inside = int(membership.sum())
    outside = len(membership) - inside
    if not inside or not outside:
        return None
    order = np.argsort(-scores, kind="stable")
    falling, members = scores[order], membership[order].cumsum()
    ends = np.append(np.flatnonzero(falling[1:] != falling[:-1]), len(falling) - 1)
    found = np.append(0, members[ends])
    accused = np.append(0, ends + 1)
    above = np.nextafter(falling[0], np.inf, dtype=falling.dtype)
    thresholds = np.append(above, falling[ends])
    return Roc(thresholds, (accused - found) / outside, found / inside)
