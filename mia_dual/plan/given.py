"""The plan of an audit that starts at saved outputs: who is in and out of what; nothing trains."""

from __future__ import annotations

import numpy as np

from mia_dual.data.outputs import Outputs
from mia_dual.errors import DataError
from mia_dual.plan.plan import GIVEN, Plan, PlannedModel, PlannedTarget, Version
from mia_dual.plan.splits import ManyMembership, Membership, Split
from mia_dual.rows import union


def outputs_labels(outputs: Outputs) -> np.ndarray:
    """The labels of all records, int64: the target's, then the references' where those are others.

    A record's index, in a plan of ``outputs`` and wherever else, is its place here.
    """
    references = outputs.references
    if references is None or references.labels is None:
        return outputs.labels
    return np.concatenate([outputs.labels, references.labels])


def outputs_plan(outputs: Outputs, seed: int) -> Plan:
    """The target and the references of ``outputs``, as if they had been planned and trained.

    Raises DataError where no member can be held against a non-member.
    """
    audited = np.arange(len(outputs.labels))
    inside = outputs.membership
    target = Membership(audited[inside], audited[~inside])
    if not len(np.intersect1d(outputs.labels[target.members], outputs.labels[target.non_members])):
        raise DataError(
            f"'{outputs.file}': no class has both members and non-members in 'membership', and "
            "they are told apart class by class: give records of both"
        )
    shadows: list[Membership] = []
    references = outputs.references
    if references is not None:
        seen = audited
        if references.labels is not None:
            seen = len(audited) + np.arange(len(references.labels))
        shadows = [ManyMembership(seen[inside], seen[~inside]) for inside in references.membership]
    models = [PlannedModel("target", "target", GIVEN, target.members, audited)]
    models += [
        PlannedModel(f"shadow-{number:02d}", "shadow", GIVEN, shadow.members, shadow.rows)
        for number, shadow in enumerate(shadows)
    ]
    return Plan(
        seed=seed,
        recipes={},
        models={model.name: model for model in models},
        split=Split(
            (target,),
            union(shadow.rows for shadow in shadows),
            (*shadows,),
            audited[:0],
            audited[:0],
        ),
        targets=(PlannedTarget("target", target),),
        versions={"original": Version("original", ("target",))},
        deletions=(),
    )
