"""The records that attacks are judged by: drawn again alike wherever figures are looked at."""

from __future__ import annotations

import numpy as np

from mia_dual.plan.plan import FIRST
from mia_dual.plan.splits import Membership, balanced
from mia_dual.seeds import generator


def target_truth(
    seed: int, membership: Membership, labels: np.ndarray, target: str = FIRST
) -> Membership:
    """Balanced members and non-members of ``target``; ``labels`` are those of all records."""
    rng = generator(seed, "attack", "balance", target)
    return balanced(membership.members, membership.non_members, labels, rng)


def deletion_truths(
    seed: int,
    request: str,
    retained: np.ndarray,
    deleted: np.ndarray,
    non_members: np.ndarray,
    labels: np.ndarray,
    target: str = FIRST,
) -> tuple[Membership, Membership]:
    """Retained members, then deleted records, each balanced against non-members."""
    more = () if target == FIRST else (target,)
    rng = generator(seed, "deletion", "audit", request, *more)
    overall = balanced(retained, non_members, labels, rng)
    return overall, balanced(deleted, non_members, labels, rng)
