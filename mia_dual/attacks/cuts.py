"""Where an attack says "member": thresholds that are fitted on references alone."""

from __future__ import annotations

from typing import Optional

import numpy as np

from mia_dual.attacks.base import Known

AIMED_RATES = (0.1, 0.01, 0.001)
"""False-positive rates that thresholds aim at."""

CUTS = ("balanced", *(str(rate) for rate in AIMED_RATES))
"""The thresholds of an attack, in the order in which :func:`fit_cuts` gives them."""


BLOCK = 1 << 20
"""Scores that are counted at a time."""


def fit_cuts(known: Optional[Known]) -> np.ndarray:
    """(``CUTS``,) float64 thresholds; a record is accused where its score is above.

    First the one with the highest balanced accuracy among references (midway between two scores),
    then for each of ``AIMED_RATES`` the lowest that accuses no larger share of their non-members.
    NaN where references cannot show it: none of a side, or fewer non-members than 1 / rate.
    """
    cuts = np.full(len(CUTS), np.nan)
    if known is None:
        return cuts
    outside = int(np.count_nonzero(~known.membership))
    if 0 < outside < len(known.membership):
        cuts[0] = balanced_cut(known.scores, known.membership)
    descending = known.scores[~known.membership]
    descending.sort()
    descending = descending[::-1]
    for place, rate in enumerate(AIMED_RATES, start=1):
        # Products of decimal fractions fall short of whole numbers by rounding.
        allowed = int(rate * outside + 1e-9)
        if allowed:
            cuts[place] = descending[allowed] if allowed < outside else -np.inf
    return cuts


def anchor_cuts(known: Optional[Known], mistakes: float) -> tuple[float, float]:
    """The cuts above which a record is surely a member, and below which it surely is none.

    The lowest above which is no larger share of references' non-members than ``mistakes``, and the
    highest below which is no larger share of their members. Infinite, so that nothing is sure,
    where there are none.
    """
    over, under = np.inf, -np.inf
    if known is not None:
        others = np.sort(known.scores[~known.membership])[::-1]
        members = np.sort(known.scores[known.membership])
        if len(others):
            over = float(others[int(mistakes * len(others) + 1e-9)])
        if len(members):
            under = float(members[int(mistakes * len(members) + 1e-9)])
    return over, under


def balanced_cut(scores: np.ndarray, membership: np.ndarray) -> float:
    """The threshold above which accusing gives the highest balanced accuracy, the highest such.

    Both sides have records. Below all scores where accusing everyone is best.
    """
    order = np.argsort(scores, kind="stable")[::-1]
    inside = int(membership.sum())
    outside = len(membership) - inside
    best, highest, found = 0, 0.0, 0
    # In blocks: scores may be many, and all that is counted of them would be there several times.
    for start in range(0, len(order), BLOCK):
        descending = scores[order[start : start + BLOCK + 1]]
        hits = found + np.cumsum(membership[order[start : start + BLOCK]])
        accused = start + np.arange(1, len(hits) + 1)
        gain = hits / inside - (accused - hits) / outside
        # Equal scores are accused together.
        gain[: len(descending) - 1][descending[1:] == descending[:-1]] = -np.inf
        place = int(gain.argmax())
        if gain[place] > highest:
            best, highest = start + place, float(gain[place])
        found = int(hits[-1])
    if highest <= 0:
        return float(scores[order[0]])
    if best + 1 == len(order):
        return float(np.nextafter(scores[order[-1]], -np.inf))
    return float((scores[order[best]] + scores[order[best + 1]]) / 2)
