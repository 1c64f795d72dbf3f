"""Makes the plan of a config: draws the splits, groups and requests, and names the models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Optional

import numpy as np

from mia_dual.config import Config, TrainingSettings
from mia_dual.data.dataset import Dataset
from mia_dual.errors import DataError
from mia_dual.plan.groups import draw_groups
from mia_dual.plan.labels import configured
from mia_dual.plan.plan import GIVEN, Plan, PlannedDeletion, PlannedModel, Version
from mia_dual.plan.requests import Request, draw_requests
from mia_dual.plan.splits import Membership, draw_made, draw_split, lacking_evidence

TARGET, SHADOW, SYNTHETIC = "target", "shadow", "synthetic"
"""Recipes: the shadows share the target's, unless they are of another network; the options of a
kind of model are its own, so that another has its defaults. Those of made records are as the other
shadows, and a recipe of their own since they are trained apart.
"""


def plan_dataset(config: Config, dataset: Dataset) -> tuple[Dataset, Plan]:
    """``dataset`` with the labels that ``config`` asks for, and the plan for it.

    Raises ConfigError or DataError as :func:`draft_plan` does.
    """
    dataset = configured(dataset, config)
    plan = draft_plan(config, dataset.labels, dataset.classes, dataset.features, dataset.member)
    return dataset, plan


def draft_plan(
    config: Config,
    labels: np.ndarray,
    classes: int,
    features: Optional[np.ndarray] = None,
    member: Optional[np.ndarray] = None,
) -> Plan:
    """The plan of ``config`` for records of ``labels`` (records,) int64 in 0 .. ``classes`` - 1.

    ``features`` (records, ...) are looked at only where ``deletion.choice`` asks what records are
    like. ``member`` (records,) bool: who a target with weights of its own
    (``config.target.weights``) was trained on. Raises ConfigError or DataError where the records
    cannot give what is asked of them.
    """
    if config.target.weights is not None and member is None:
        raise DataError(
            f"target.weights '{config.target.weights}': nothing says who that target was trained "
            "on: name data whose array 'member' does"
        )
    split = draw_split(len(labels), config, member)
    trained_on = split.target.members if member is None else np.flatnonzero(member)
    check_evidence(split.shadows, labels, classes, "raise split.shadow_members or shadows.count")
    made, made_shadows = draw_made(config, len(split.pool))
    wanted = config.deletion
    needs_groups = "grouped" in wanted.methods or wanted.placement == "concentrated"
    groups = draw_groups(config, trained_on) if needs_groups else []
    # Only audited members are deleted, since it is on them that a deletion is measured.
    audited = [np.intersect1d(group, split.target.members) for group in groups]
    requests = draw_requests(config, split.target.members, labels, audited, features)

    recipes: dict[str, TrainingSettings] = {TARGET: config.target}
    of_shadows = TARGET
    if config.shadows.network not in (None, config.target.network):
        of_shadows = SHADOW
        recipes[SHADOW] = config.target.model_copy(
            update={"network": config.shadows.network, "options": {}}
        )
    rows = np.sort(split.target.rows)
    of_target = TARGET if config.target.weights is None else GIVEN
    models = [PlannedModel("target", "target", of_target, trained_on, rows)]
    models += [
        PlannedModel(
            f"shadow-{number:02d}", "shadow", of_shadows, shadow.members, np.sort(shadow.rows)
        )
        for number, shadow in enumerate(split.shadows)
    ]
    if made:
        recipes[SYNTHETIC] = recipes[of_shadows]
        models += [
            PlannedModel(
                f"synthetic-{number:02d}",
                "synthetic",
                SYNTHETIC,
                shadow.members,
                np.sort(shadow.rows),
            )
            for number, shadow in enumerate(made_shadows)
        ]
    versions = [Version("original", ("target",))]
    deletions: list[PlannedDeletion] = []
    if requests and "full" in wanted.methods:
        for request in requests:
            name = f"full-{request.slug}"
            left = np.setdiff1d(trained_on, request.deleted)
            models.append(PlannedModel(name, "full", TARGET, left, rows))
            versions.append(Version(name, (name,), retrained=(name,)))
            deletions.append(PlannedDeletion(request, "full", "original", name))
    if requests and "grouped" in wanted.methods:
        names = [f"group-{number:02d}" for number in range(len(groups))]
        models += [
            PlannedModel(name, "group", TARGET, group, rows) for name, group in zip(names, groups)
        ]
        versions.append(Version("groups", tuple(names), wanted.aggregation))
        for request in requests:
            after = f"grouped-{request.slug}"
            retrained = dict(_retrained(names, groups, request))
            kept = [name for name in names if name not in retrained]
            fresh = {
                f"{name}-{request.slug}": left for name, left in retrained.items() if len(left)
            }
            models += [PlannedModel(name, "group", TARGET, fresh[name], rows) for name in fresh]
            versions.append(
                Version(after, (*kept, *fresh), wanted.aggregation, retrained=tuple(fresh))
            )
            deletions.append(PlannedDeletion(request, "grouped", "groups", after))
    order = {request.name: place for place, request in enumerate(requests)}
    return Plan(
        seed=config.seed,
        recipes=recipes,
        models={model.name: model for model in models},
        split=split,
        groups=tuple(groups),
        requests=tuple(requests),
        versions={version.name: version for version in versions},
        # By request, then by method, as results tell of them.
        deletions=tuple(sorted(deletions, key=lambda deletion: order[deletion.request.name])),
        made=made,
        made_shadows=made_shadows,
    )


def _retrained(
    names: Sequence[str], groups: Sequence[np.ndarray], request: Request
) -> Iterator[tuple[str, np.ndarray]]:
    """The groups that hold a deleted record, and what is left of each."""
    for name, group in zip(names, groups):
        left = np.setdiff1d(group, request.deleted)
        if len(left) < len(group):
            yield name, left


def check_evidence(
    shadows: Sequence[Membership], labels: np.ndarray, classes: int, remedy: str
) -> None:
    """Raise DataError naming a class of which no shadow has both members and non-members.

    ``labels`` (records,) are those of the records that ``shadows`` are of; ``remedy`` is what the
    message advises.
    """
    lacking = lacking_evidence(shadows, labels, np.arange(classes))
    if len(lacking):
        raise DataError(
            f"class {lacking[0]} has no shadow with both members and non-members of "
            f"it, so its attack model has nothing to learn from: {remedy}"
        )
