"""``cost.json``: what was trained, and how long it took when it was."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional

from mia_dual.plan.plan import Plan
from mia_dual.training.trainer import Trained
from mia_dual.training.work import own_seconds, own_steps
from mia_dual.walks.shadows import MadeShadows


def costs(
    plan: Plan, trained: Mapping[str, Trained], made: Optional[MadeShadows]
) -> dict[str, Any]:
    """Seconds and optimizer steps: of the target, of all groups, and of each deletion; seconds and
    queries of the records ``made`` for shadows.

    A model found in the store counts what it took when it was trained, and so do records. What a
    model takes over from the one before it counts nothing.
    """

    def total(names: Sequence[str]) -> dict[str, Any]:
        return {
            "seconds": sum(own_seconds(plan.models[name], trained[name]) for name in names),
            "steps": sum(own_steps(plan.models[name], trained[name]) for name in names),
        }

    groups = plan.versions.get("groups")
    return {
        "target": total(["target"]),
        "shadow_data": None
        if made is None
        else {"seconds": made.entry.seconds, "queries": int(made.records.queries.sum())},
        "grouped": None if groups is None else total(groups.models),
        "deletion": [
            {
                "request": deletion.request.name,
                "method": deletion.method,
                **total(retrained),
                "groups_retrained": len(retrained) if deletion.method == "grouped" else None,
            }
            for deletion in plan.deletions
            for retrained in [plan.versions[deletion.after].retrained]
        ],
    }
