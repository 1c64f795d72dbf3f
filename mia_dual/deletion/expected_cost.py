"""What deletion from groups and slices is expected to cost, as records seen in retraining.

Records to delete are drawn uniformly among the members. Bourtoule et al. 2021 (Machine Unlearning,
sections IV and V) give closed forms for equal groups, in which every request falls on any group
alike, whatever went before. The exact ones here draw without replacement, and hold for groups of
any sizes and for groups and slices at once: training comes to a group in passes, one a slice, each
over all records up to that slice, and a pass is taken again where one of its records goes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Passes:
    """A training in groups and slices: ``sizes`` are the records of each pass of each group.

    ``epochs`` of each pass; ``members``: all records of all groups. With one slice, the passes are
    the groups; with one group beside, full retraining.
    """

    sizes: tuple[int, ...]
    epochs: int
    members: int

    @staticmethod
    def of(groups: Sequence[Sequence[int]], epochs: int) -> Passes:
        """``groups``: the sizes of each one's slices, in the order of training."""
        sizes = [int(size) for slices in groups for size in np.cumsum(slices)]
        return Passes(tuple(sizes), epochs, sum(map(sum, groups)))

    def seen(self) -> int:
        """Records seen by the whole training, each as often as it is seen."""
        return self.epochs * sum(self.sizes)


def one_by_one(passes: Passes, requests: int) -> float:
    """Records seen, expected, by ``requests`` requests of one record each, served one by one.

    The record of the i-th request lies in a pass of m of the N members with probability m / N, and
    each of the N - i records that are left then lies beside it with probability (m - 1) / (N - 1),
    since what was deleted before says nothing of where these two lie. So the sum over requests is
    epochs * sum(m (m - 1)) / (N (N - 1)) * sum(N - i). ``requests`` is at most ``members``.
    """
    members = passes.members
    if members < 2:
        return 0.0
    left = requests * members - requests * (requests + 1) / 2
    pairs = sum(size * (size - 1) for size in passes.sizes)
    return passes.epochs * pairs / (members * (members - 1)) * left


def at_once(passes: Passes, deleted: int) -> float:
    """Records seen, expected, by one request that deletes ``deleted`` records.

    A pass of m of the N members is taken again, over what is left of it, unless all deleted
    records lie elsewhere: epochs * sum(m (1 - K / N) - m C(N - m, K) / C(N, K)) for K deleted.
    ``deleted`` is at most ``members``.
    """
    members = passes.members
    kept = 1 - deleted / members
    each = (size * (kept - _all_elsewhere(members, size, deleted)) for size in passes.sizes)
    return max(passes.epochs * sum(each), 0.0)


def published_one_by_one(members: int, groups: int, requests: int) -> float:
    """Records of one epoch by ``requests`` single requests to equal groups, without slices.

    Section V: the i-th falls on a group that j of those before it fell on, j binomial of i - 1 and
    1 / S, and N / S - j - 1 records are left there: (N / S - 1) K - K (K - 1) / (2 S) in all, for
    N members, S groups and K requests. Where the groups would be empty by then, no less than 0.
    """
    mean = members / groups
    return max((mean - 1) * requests - requests * (requests - 1) / (2 * groups), 0.0)


def published_at_once(members: int, groups: int, deleted: int) -> float:
    """Records of one epoch by one request of ``deleted`` records to equal groups, without slices.

    Section V: every group that is hit is trained again on what is left of it, and each record hits
    any group alike: N (1 - (1 - 1 / S)^K) - K, for N members, S groups and K records; no less
    than 0.
    """
    return max(members * (1 - (1 - 1 / groups) ** deleted) - deleted, 0.0)


def published_slices(slices: int) -> float:
    """What a request of one record costs in a group of equal slices, as a share of training that
    group whole: 2 / 3 + 1 / (3 R) for R slices (section V).

    Starting at slice r takes the passes r to R, of r to R slices each, of the R (R + 1) / 2 slices
    that the whole training sees; this is their mean over r.
    """
    return 2 / 3 + 1 / (3 * slices)


def _all_elsewhere(members: int, size: int, deleted: int) -> float:
    """The probability that none of ``deleted`` of ``members`` records is one of ``size``."""
    if deleted > members - size:
        return 0.0
    drawn = np.arange(deleted)
    return float(np.prod((members - size - drawn) / (members - drawn)))
