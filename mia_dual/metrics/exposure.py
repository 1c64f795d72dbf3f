"""Who is exposed: how often a record is told apart, over several targets of the same records.

``membership`` is (targets, records) bool, ``scores`` (targets, records) float, a record in the same
column throughout; ``asked`` (targets, records) bool says which pairs of target and record count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

from mia_dual.metrics.ranking import placements, threshold_at


@dataclass(frozen=True)
class Exposure:
    """Of each record; arrays are (records,), counts int64.

    ``times_in`` and ``times_out``: targets that it is a member and a non-member of, among those
    that can show the rate on that side. ``found_in``: of ``times_in``, those that find it a member;
    ``found_out``: of ``times_out``, those that find it a non-member. ``standing``: float64, the
    mean over all its targets of the share of the other side that it is rightly set apart from (its
    placement, as in :func:`mia_dual.metrics.placements`; half for a record that scores tell nothing
    of); 0 where it has none.
    """

    times_in: np.ndarray
    found_in: np.ndarray
    times_out: np.ndarray
    found_out: np.ndarray
    standing: np.ndarray

    @property
    def found(self) -> np.ndarray:
        """(records,) int64: how often it is told apart, in or out."""
        both: np.ndarray = self.found_in + self.found_out
        return both

    def most(self, count: int) -> np.ndarray:
        """(count,) int64, or fewer: the most exposed records, the most often found first.

        Records found as often are in the order of ``standing``, then of their places. Records that
        are never found are not listed.
        """
        # Shares that are equal may differ by rounding.
        order = np.lexsort((-self.standing.round(9), -self.found))
        return order[: min(count, int((self.found > 0).sum()))]


def exposure(
    membership: np.ndarray, scores: np.ndarray, rate: float, asked: Optional[np.ndarray] = None
) -> Exposure:
    """How often each record is told apart at ``rate`` of errors, target by target.

    A member is found where it scores above the threshold that ``rate`` of the target's non-members
    at most are above (see :func:`mia_dual.metrics.tpr_at_fpr`); a non-member where it scores below
    the one that ``rate`` of its members at most are below. Ties with a threshold are not found. A
    target with too few non-members to show ``rate`` counts for no record that is in, one with too
    few members for none that is out.
    """
    targets, records = membership.shape
    counts = np.zeros((4, records), np.int64)
    standing, asked_of = np.zeros(records), np.zeros(records, np.int64)
    for target in range(targets):
        chosen = np.arange(records) if asked is None else np.flatnonzero(asked[target])
        inside, score = membership[target, chosen], scores[target, chosen]
        for side, height, (times, found) in (
            (inside, score, counts[:2]),
            (~inside, -score, counts[2:]),
        ):
            threshold = threshold_at(side, height, rate)
            if threshold is not None:
                times[chosen] += side
                found[chosen] += side & (height > threshold)
        if inside.any() and not inside.all():
            beaten, beating = placements(inside, score)
            standing[chosen[inside]] += beaten
            standing[chosen[~inside]] += beating
            asked_of[chosen] += 1
    return Exposure(
        times_in=counts[0],
        found_in=counts[1],
        times_out=counts[2],
        found_out=counts[3],
        standing=standing / np.maximum(asked_of, 1),
    )
