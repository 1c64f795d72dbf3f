"""Rates of accusations, what follows from them, and how far a rate may be from the truth.

``accused`` is (records,) bool, who is called a member. The true-positive rate is
:func:`mia_dual.metrics.recall` under its other name.
"""

from __future__ import annotations

from statistics import NormalDist
from typing import Optional

import numpy as np

from mia_dual.metrics.decisions import recall

Interval = tuple[float, float]


def true_positive_rate(membership: np.ndarray, accused: np.ndarray) -> Optional[float]:
    """Share of members who are accused; None without members."""
    return recall(membership, accused)


def false_positive_rate(membership: np.ndarray, accused: np.ndarray) -> Optional[float]:
    """Share of non-members who are accused; None without non-members."""
    return recall(~membership, accused)


def advantage(membership: np.ndarray, accused: np.ndarray) -> Optional[float]:
    """True-positive rate less the false-positive rate, in [-1, 1]; None where a side is empty.

    Yeom et al. 2018, Privacy Risk in Machine Learning: Analyzing the Connection to Overfitting.
    """
    found, wrong = _both(membership, accused)
    return None if found is None or wrong is None else found - wrong


def balanced_accuracy(membership: np.ndarray, accused: np.ndarray) -> Optional[float]:
    """Mean of the shares of members and of non-members rightly called; None where one is empty."""
    found, wrong = _both(membership, accused)
    return None if found is None or wrong is None else (found + 1 - wrong) / 2


def precision_at(prior: float, tpr: Optional[float], fpr: Optional[float]) -> Optional[float]:
    """Share of the accused who are members where ``prior`` of all people are: Bayes' rule.

    The audited records hold as many members as the split says; out there members may be few, and
    then even rare false alarms outnumber them (Jayaraman et al. 2021, Revisiting Membership
    Inference Under Realistic Assumptions). None where nobody is accused, or a rate is not known.
    """
    if tpr is None or fpr is None:
        return None
    rightly = prior * tpr
    accused = rightly + (1 - prior) * fpr
    return rightly / accused if accused > 0 else None


def wilson(count: int, total: int, confidence: float = 0.95) -> Optional[Interval]:
    """Wilson's interval of the rate behind ``count`` of ``total``; None where ``total`` is 0.

    Wilson 1927, JASA 22, 209-212. It covers about as often as it says on average; where it has to
    at least as often, take :func:`clopper_pearson`.
    """
    if not total:
        return None
    reach = NormalDist().inv_cdf(0.5 + confidence / 2) ** 2
    rate = count / total
    middle = rate + reach / (2 * total)
    half = (reach * (rate * (1 - rate) + reach / (4 * total)) / total) ** 0.5
    low, high = (middle - half) / (1 + reach / total), (middle + half) / (1 + reach / total)
    # Rounding must not leave the rates that were seen out.
    return 0.0 if not count else max(low, 0.0), 1.0 if count == total else min(high, 1.0)


def clopper_pearson(count: int, total: int, confidence: float = 0.95) -> Optional[Interval]:
    """The exact interval of the rate behind ``count`` of ``total``; None where ``total`` is 0.

    Clopper and Pearson 1934, Biometrika 26, 404-413. It holds the truth at least as often as it
    says, and each of its ends alone strays with half of the error at most.
    """
    from scipy.special import betaincinv

    if not total:
        return None
    error = (1 - confidence) / 2
    low = float(betaincinv(count, total - count + 1, error)) if count else 0.0
    high = float(betaincinv(count + 1, total - count, 1 - error)) if count < total else 1.0
    return low, high


def _both(membership: np.ndarray, accused: np.ndarray) -> tuple[Optional[float], Optional[float]]:
    return true_positive_rate(membership, accused), false_positive_rate(membership, accused)
