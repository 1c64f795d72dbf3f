"""How well scores tell members from non-members.

``membership`` is (records,) bool, ``scores`` (records,) float: the higher, the more a member.
"""

from __future__ import annotations

from typing import Optional

import numpy as np
from scipy.stats import norm, rankdata


def auc(membership: np.ndarray, scores: np.ndarray) -> Optional[float]:
    """Area under the ROC curve: how often a member outscores a non-member, ties counting half.

    None where either side is empty.
    """
    inside = int(membership.sum())
    outside = len(membership) - inside
    if not inside or not outside:
        return None
    wins = rankdata(scores)[membership].sum() - inside * (inside + 1) / 2
    return float(wins / (inside * outside))


def auc_interval(
    membership: np.ndarray, scores: np.ndarray, confidence: float = 0.95
) -> Optional[tuple[float, float]]:
    """A confidence interval of :func:`auc` (DeLong et al. 1988), cut to [0, 1].

    None where either side has fewer than two records: there is no variance to estimate then.
    """
    inside, outside = scores[membership], scores[~membership]
    if len(inside) < 2 or len(outside) < 2:
        return None
    ranks = rankdata(np.concatenate([inside, outside]))
    of_members = (ranks[: len(inside)] - rankdata(inside)) / len(outside)
    of_non_members = 1 - (ranks[len(inside) :] - rankdata(outside)) / len(inside)
    variance = of_members.var(ddof=1) / len(inside) + of_non_members.var(ddof=1) / len(outside)
    centre = of_members.mean()
    margin = norm.ppf(0.5 + confidence / 2) * np.sqrt(variance)
    return float(max(centre - margin, 0.0)), float(min(centre + margin, 1.0))


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


def accuracy(membership: np.ndarray, accused: np.ndarray) -> Optional[float]:
    """Share of records rightly called member or non-member; None without records."""
    return float((membership == accused).mean()) if len(membership) else None


def precision(membership: np.ndarray, accused: np.ndarray) -> Optional[float]:
    """Share of the accused who are members; None where nobody is accused."""
    return _share(membership[accused])


def recall(membership: np.ndarray, accused: np.ndarray) -> Optional[float]:
    """Share of members who are accused; None without members."""
    return _share(accused[membership])


def f1(membership: np.ndarray, accused: np.ndarray) -> Optional[float]:
    """Harmonic mean of precision and recall; None without members and accused."""
    both = int(membership.sum()) + int(accused.sum())
    return 2 * int((membership & accused).sum()) / both if both else None


def _share(flags: np.ndarray) -> Optional[float]:
    return float(flags.mean()) if len(flags) else None
