"""``cost.json``: what was trained, and how long it took when it was."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mia_dual.plan.plan import Plan
from mia_dual.training.trainer import Trained


def costs(plan: Plan, trained: Mapping[str, Trained]) -> dict[str, Any]:
    """Seconds and optimizer steps: of the target, of all groups, and of each deletion.

    A model found in the store counts what it took when it was trained.
    """

    def total(names: Iterable[str]) -> dict[str, Any]:
        models = [trained[name] for name in names]
        return {
            "seconds": sum(model.entry.seconds for model in models),
            "steps": sum(model.steps for model in models),
        }

    groups = plan.versions.get("groups")
    return {
        "target": total(["target"]),
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
