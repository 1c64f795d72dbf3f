"""The families and members of a plan: what its models are trained as, and on what."""

from __future__ import annotations

from dataclasses import replace
from typing import Optional

import numpy as np

from mia_dual.config import Config
from mia_dual.data.dataset import Dataset
from mia_dual.data.records import as_records, records_digest, records_shape
from mia_dual.data.scaling import Scaling, fit_scaling
from mia_dual.interface import NetworkSpec
from mia_dual.plan.draft import SYNTHETIC
from mia_dual.plan.groups import slice_epochs
from mia_dual.plan.plan import Plan, PlannedModel
from mia_dual.training.family import Family, Member
from mia_dual.training.segment import Segment
from mia_dual.training_settings import TrainingSettings


def plan_families(plan: Plan, config: Config, dataset: Dataset) -> dict[str, Family]:
    """The family of each of the plan's recipes, on records of ``dataset``.

    Models of ``SYNTHETIC`` are trained on records of their own, and none of these.
    """
    scaling = plan_scaling(plan, config, dataset)
    return {
        name: dataset_family(settings, config.data.image_size, dataset, scaling)
        for name, settings in plan.recipes.items()
        if name != SYNTHETIC
    }


def blank_family(plan: Plan, config: Config, dataset: Dataset) -> Family:
    """Stands for the family of the plan's ``SYNTHETIC`` models before their records are made."""
    shape = (plan.made, *dataset.features.shape[1:])
    blank = replace(
        dataset,
        features=np.broadcast_to(np.zeros((), dataset.features.dtype), shape),
        labels=np.arange(plan.made) % dataset.classes,
    )
    return dataset_family(plan.recipes[SYNTHETIC], config.data.image_size, blank)


def plan_scaling(plan: Plan, config: Config, dataset: Dataset) -> Optional[Scaling]:
    """How the target's numbers are standardised, and so those of whoever asks it.

    Several targets share one scaling, that of the first.
    """
    return fit_scaling(dataset, config.data.standardise, plan.split.target.members)


def dataset_family(
    settings: TrainingSettings,
    image_size: Optional[int],
    dataset: Dataset,
    scaling: Optional[Scaling] = None,
) -> Family:
    """Models that are trained as ``settings`` say, on records of ``dataset``."""
    network = settings.network
    spec = NetworkSpec(
        network,
        records_shape(dataset, network, image_size),
        dataset.classes,
        settings.hidden,
        tuple(sorted(settings.options.items())),
    )
    digest = records_digest(dataset, network, image_size, scaling)
    return Family(spec, settings, digest, lambda: as_records(dataset, network, image_size, scaling))


def plan_members(plan: Plan, recipe: str) -> dict[str, Member]:
    """Every model of ``plan`` of that recipe as it is trained, by name; but for those that go on
    from another, which has to be there first.
    """
    epochs = plan.recipes[recipe].epochs
    return {
        model.name: planned_member(model, epochs, plan.seed)
        for model in plan.models.values()
        if model.recipe == recipe and model.origin is None
    }


def planned_member(model: PlannedModel, epochs: int, seed: int) -> Member:
    """``model`` as it is trained: on its members for ``epochs``, or slice upon slice."""
    name = model.drawn_as or model.name
    if not model.slices:
        return Member.of(name, model.members, epochs, seed)
    each = slice_epochs(epochs, len(model.slices))
    seen = [
        np.sort(np.concatenate(model.slices[: number + 1])) for number in range(len(model.slices))
    ]
    segments = tuple(Segment(rows, each) for rows in seen if len(rows))
    return Member(name, seed, segments, stays=True)
