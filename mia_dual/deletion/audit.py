"""Did the deletion work? The same attack on the same records, before and after."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mia_dual.attacks.assessment import assess
from mia_dual.attacks.base import Attack
from mia_dual.deletion.models import Cost, Deletion
from mia_dual.plan.requests import Request
from mia_dual.plan.splits import Membership, balanced
from mia_dual.report.results import BeforeAfter, DeletionAttack, DeletionResult
from mia_dual.seeds import generator


def audit_deletion(
    deletion: Deletion,
    request: Request,
    attacks: Sequence[Attack],
    non_members: np.ndarray,
    labels: np.ndarray,
    seed: int,
) -> tuple[DeletionResult, Cost]:
    """Carry out ``request`` and attack what comes of it.

    ``non_members``: sorted indices of records the target never saw; ``labels``: of all records.
    """
    after, cost = deletion.delete(request)
    before = deletion.before
    rng = generator(seed, "deletion", "audit", request.name)
    overall = balanced(request.retained, non_members, labels, rng)
    deleted = balanced(request.deleted, non_members, labels, rng)

    def both(attack: Attack, truth: Membership) -> BeforeAfter:
        return BeforeAfter(
            before=assess(attack, before, truth, labels),
            after=assess(attack, after, truth, labels),
        )

    result = DeletionResult(
        request=request.name,
        method=deletion.method,
        ratio=request.ratio,
        deleted=len(request.deleted),
        retained=len(request.retained),
        groups=deletion.groups,
        groups_retrained=cost.groups_retrained,
        steps=cost.steps,
        train_accuracy=after.accuracy(request.retained, labels),
        test_accuracy=after.accuracy(non_members, labels),
        deleted_accuracy=after.accuracy(request.deleted, labels),
        train_accuracy_before=before.accuracy(request.retained, labels),
        test_accuracy_before=before.accuracy(non_members, labels),
        deleted_accuracy_before=before.accuracy(request.deleted, labels),
        attacks={
            attack.name: DeletionAttack(
                overall=both(attack, overall), deleted=both(attack, deleted)
            )
            for attack in attacks
        },
    )
    return result, cost
