"""What the order of scores tells, whatever threshold is drawn."""

from __future__ import annotations

from typing import Optional

import numpy as np


def ranks(scores: np.ndarray) -> np.ndarray:
    """The place of each score, the lowest 1, equal scores sharing the mean of theirs.

    Returns (records,) float64. No score has a place where one is NaN: all are NaN then.
    """
    order = np.argsort(scores, kind="stable")
    ascending = scores[order]
    if len(ascending) and np.isnan(ascending[-1]):
        return np.full(len(scores), np.nan)
    starts = np.flatnonzero(np.concatenate([[True], ascending[1:] != ascending[:-1]]))
    ends = np.append(starts[1:], len(scores))
    places = np.empty(len(scores))
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
    (fewer than 1 / fpr).
    """
    inside, outside = scores[membership], np.sort(scores[~membership])[::-1]
    if not len(inside) or len(outside) * fpr < 1:
        return None
    return float((inside > outside[int(len(outside) * fpr)]).mean())
