"""The records that attacks are judged by: drawn again alike wherever figures are looked at."""

from __future__ import annotations

import numpy as np

from mia_dual.plan.plan import FIRST
from mia_dual.plan.requests import Request
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
    request: Request,
    non_members: np.ndarray,
    labels: np.ndarray,
    target: str = FIRST,
) -> tuple[Membership, Membership]:
    """Retained members, then deleted records, each balanced against non-members.

    Deleted records that were drawn among all are not balanced, but against those drawn with them:
    over several targets the same records stand on both sides.
    """
    more = () if target == FIRST else (target,)
    rng = generator(seed, "deletion", "audit", request.name, *more)
    overall = balanced(request.retained, non_members, labels, rng)
    if request.unseen is not None:
        return overall, Membership(request.deleted, request.unseen)
    return overall, balanced(request.deleted, non_members, labels, rng)
