"""Makes the plan of a config: draws the splits, groups and requests, and names the models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import numpy as np

from mia_dual.config import Config
from mia_dual.data.dataset import Dataset
from mia_dual.deletion.ledger import Entry
from mia_dual.errors import DataError
from mia_dual.execution import free_memory
from mia_dual.plan.groups import draw_groups
from mia_dual.plan.labels import configured
from mia_dual.plan.plan import GIVEN, METHODS, Plan, PlannedModel, Version
from mia_dual.plan.splits import Membership, draw_made, draw_split, lacking_evidence
from mia_dual.plan.target import TargetDraft
from mia_dual.rows import union
from mia_dual.training_settings import TrainingSettings

TARGET, SHADOW, SYNTHETIC = "target", "shadow", "synthetic"
"""Recipes: the shadows share the target's, unless they are of another network; the options of a
kind of model are its own, so that another has its defaults. Those of made records are as the other
shadows, and a recipe of their own since they are trained apart.
"""


def plan_dataset(
    config: Config,
    dataset: Dataset,
    ledger: Sequence[Entry] = (),
    exposure: Optional[np.ndarray] = None,
) -> tuple[Dataset, Plan]:
    """``dataset`` with the labels that ``config`` asks for, and the plan for it, ``ledger`` and
    ``exposure``.

    Raises ConfigError or DataError as :func:`draft_plan` does, and DataError where the records that
    are to be made for shadows do not fit into memory.
    """
    dataset = configured(dataset, config)
    _check_memory(config, dataset)
    plan = draft_plan(
        config, dataset.labels, dataset.classes, dataset.features, dataset.member, ledger, exposure
    )
    return dataset, plan


def _check_memory(config: Config, dataset: Dataset) -> None:
    wanted = config.shadows.data.records or 0
    # A label and a place beside the features of each.
    each = dataset.features[:1].nbytes + 16
    free = free_memory()
    if wanted * each > free:
        raise DataError(
            f"shadows.data.records: {wanted} made records take {wanted * each / 1e9:.3g} GB, and "
            f"{free / 1e9:.3g} GB of memory are free: ask for fewer"
        )


def draft_plan(
    config: Config,
    labels: np.ndarray,
    classes: int,
    features: Optional[np.ndarray] = None,
    member: Optional[np.ndarray] = None,
    ledger: Sequence[Entry] = (),
    exposure: Optional[np.ndarray] = None,
) -> Plan:
    """The plan of ``config`` for records of ``labels`` (records,) int64 in 0 .. ``classes`` - 1.

    ``features`` (records, ...) are looked at only where ``deletion.choice`` asks what records are
    like. ``member`` (records,) bool: who a target with weights of its own
    (``config.target.weights``) was trained on. ``ledger``: what was deleted by request, beside
    what ``config`` deletes: each target deletes those records that are its members. ``exposure``
    (records,) float64: how exposed each is by what references say of it; None before they are
    there: what ``deletion.choice: exposed`` deletes is then missing. Raises ConfigError or
    DataError where the records cannot give what is asked of them.
    """
    if config.target.weights is not None and member is None:
        raise DataError(
            f"target.weights '{config.target.weights}': nothing says who that target was trained "
            "on: name data whose array 'member' does"
        )
    split = draw_split(len(labels), config, member)
    check_evidence(split.shadows, labels, classes, "raise split.shadow_members or shadows.count")
    made, made_shadows = draw_made(config, len(split.pool))

    recipes: dict[str, TrainingSettings] = {TARGET: config.target}
    of_shadows = TARGET
    if config.shadows.network not in (None, config.target.network):
        of_shadows = SHADOW
        recipes[SHADOW] = config.target.model_copy(
            update={"network": config.shadows.network, "options": {}}
        )
    asked = union([split.target.rows, split.population, split.auxiliary])
    own = TARGET if config.target.weights is None else GIVEN
    targets = [
        TargetDraft(
            config,
            number,
            membership,
            membership.members if member is None else np.flatnonzero(member),
            asked,
        ).draft((own, TARGET), labels, features, ledger, exposure)
        for number, membership in enumerate(split.targets)
    ]
    # References are asked about what the targets are asked about, where an attack looks at it.
    beside = asked if config.attack.asks_references else split.auxiliary
    models = [model for target in targets for model in target.models if model.role == "target"]
    models += [
        PlannedModel(
            f"shadow-{number:02d}",
            "shadow",
            of_shadows,
            shadow.members,
            union([shadow.rows, beside]),
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
                shadow.rows,
            )
            for number, shadow in enumerate(made_shadows)
        ]
    joins = any(version.aggregation for target in targets for version in target.versions)
    # Made shadows are not known before the target is, and those of real records stand beside them.
    in_groups, shadow_groups = (
        _shadows_in_groups(config, split.shadows, models) if joins and not made else ([], ())
    )
    models += in_groups
    models += [model for target in targets for model in target.models if model.role != "target"]
    deletions = [deletion for target in targets for deletion in target.deletions]
    # A target has no part in those requests of the ledger that name none of its members.
    requests = [request.name for request in targets[0].target.requests]
    requests += [entry.of for entry in ledger]
    order = {name: place for place, name in enumerate(requests)}
    return Plan(
        seed=config.seed,
        recipes=recipes,
        models={model.name: model for model in models},
        split=split,
        targets=tuple(target.target for target in targets),
        versions={version.name: version for target in targets for version in target.versions},
        # By request, then by method, as results tell of them.
        deletions=tuple(
            sorted(
                deletions,
                key=lambda found: (order[found.request.name], METHODS.index(found.method)),
            )
        ),
        shadow_groups=shadow_groups,
        awaits_exposure="exposed" in config.deletion.choice and exposure is None,
        made=made,
        made_shadows=made_shadows,
    )


def _shadows_in_groups(
    config: Config, shadows: Sequence[Membership], models: Sequence[PlannedModel]
) -> tuple[list[PlannedModel], tuple[Version, ...]]:
    """The ``shadows`` among ``models`` trained in groups as the targets are: the models of those
    groups, and what they are together; none where attacks on groups learn from single shadows.
    """
    wanted = config.deletion
    if wanted.fitted_on == "single":
        return [], ()
    planned = [model for model in models if model.role == "shadow"]
    added: list[PlannedModel] = []
    versions = []
    for model, shadow in zip(planned, shadows):
        groups = draw_groups(config, shadow.members, model.name)
        parts = [
            PlannedModel(
                f"{model.name}-group-{number:02d}",
                "shadow_group",
                model.recipe,
                group.records,
                model.asked,
                group.slices if wanted.slices > 1 else (),
            )
            for number, group in enumerate(groups)
        ]
        names = tuple(part.name for part in parts)
        sizes = tuple(len(part.members) for part in parts)
        versions.append(Version(model.name, names, wanted.aggregation, sizes=sizes))
        added += parts
    return added, tuple(versions)


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
