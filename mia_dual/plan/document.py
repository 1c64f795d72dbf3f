"""The plan as it is written into a run folder: ``plan.json`` for people, ``plan.npz`` in full."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any, Callable

import numpy as np

from mia_dual.deferred import Deferred
from mia_dual.plan.plan import Plan
from mia_dual.rows import held


def plan_document(plan: Plan) -> dict[str, Any]:
    """What ``plan.json`` holds: names and counts. A run adds the SHA-256 of its ``config.yaml``.

    ``models``: for each its role, recipe, and how many records it is trained on and asked about.
    ``versions``: which models make up the target before and after each deletion.
    ``shadow_groups``: which make up each shadow that is trained in groups. ``requests``:
    how much each deletes. ``records``: how many records are under audit, in the shadows' pool, in
    the population, kept for students (auxiliary), and to be made for shadows.
    """
    return {
        "seed": plan.seed,
        "recipes": {name: recipe.model_dump(mode="json") for name, recipe in plan.recipes.items()},
        "records": {
            "targets": len(plan.targets),
            "target_members": len(plan.split.target.members),
            "target_non_members": len(plan.split.target.non_members),
            "shadow_pool": len(plan.split.pool),
            "population": len(plan.split.population),
            "auxiliary": len(plan.split.auxiliary),
            "made": plan.made,
            "asked_about": len(plan.audited),
        },
        "models": {
            model.name: {
                "role": model.role,
                "recipe": model.recipe,
                "members": len(held(model, "members")),
                "asked": len(held(model, "asked")),
                "slices": len(model.slices),
                "drawn_as": model.drawn_as or model.name,
                "origin": model.origin,
            }
            for model in plan.models.values()
        },
        "roles": dict(Counter(model.role for model in plan.models.values())),
        "groups": [len(group.records) for group in plan.groups],
        "requests": {
            request.name: {"deleted": len(request.deleted), "retained": len(request.retained)}
            for request in plan.requests
        },
        "versions": {
            version.name: {
                "models": list(version.models),
                "aggregation": version.aggregation,
                "retrained": list(version.retrained),
                "target": version.target,
                "sizes": list(version.sizes),
            }
            for version in plan.versions.values()
        },
        "shadow_groups": {version.name: list(version.models) for version in plan.shadow_groups},
        "deletions": [
            {
                "request": deletion.request.name,
                "method": deletion.method,
                "before": deletion.before,
                "after": deletion.after,
                "target": deletion.target,
            }
            for deletion in plan.deletions
        ],
    }


def plan_arrays(plan: Plan) -> Mapping[str, np.ndarray]:
    """What ``plan.npz`` holds: record indices, int64, but for ``memberships``.

    ``target_members``, ``target_non_members``, ``shadow_pool``, ``population`` and ``auxiliary``;
    ``members/<model>`` and ``asked/<model>`` for every model, and ``slice/<model>/<number>`` of one
    that comes to its members in slices; ``group/<number>``; ``deleted/<request>`` and
    ``retained/<request>``, and ``unseen/<request>`` where it was drawn among all records; of other
    targets the same behind ``<target>/``, and ``<target>/members`` and ``<target>/non_members``;
    ``audited`` (records,) and ``memberships`` (models in the order of ``plan.json``, audited) bool,
    without the models of role ``synthetic``: their members and what they are asked about are
    indices of ``shadow_records.npz``. Those of models, which may be many, are made when they are
    asked for.
    """
    makers: dict[str, Callable[[], np.ndarray]] = {}

    def there(name: str, array: np.ndarray) -> None:
        makers[name] = partial(np.asarray, array)

    there("target_members", plan.split.target.members)
    there("target_non_members", plan.split.target.non_members)
    there("shadow_pool", plan.split.pool)
    there("population", plan.split.population)
    there("auxiliary", plan.split.auxiliary)
    there("audited", plan.audited)
    makers["memberships"] = plan.memberships
    for model in plan.models.values():
        makers[f"members/{model.name}"] = partial(getattr, model, "members")
        makers[f"asked/{model.name}"] = partial(getattr, model, "asked")
        for number, part in enumerate(model.slices):
            there(f"slice/{model.name}/{number:03d}", part)
    for place, target in enumerate(plan.targets):
        prefix = f"{target.name}/" if place else ""
        if place:
            there(f"{prefix}members", target.membership.members)
            there(f"{prefix}non_members", target.membership.non_members)
        for number, group in enumerate(target.groups):
            there(f"{prefix}group/{number:02d}", group.records)
        for request in target.requests:
            there(f"{prefix}deleted/{request.slug}", request.deleted)
            there(f"{prefix}retained/{request.slug}", request.retained)
            if request.unseen is not None:
                there(f"{prefix}unseen/{request.slug}", request.unseen)
    return Deferred(makers)
