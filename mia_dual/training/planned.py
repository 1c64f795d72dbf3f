"""The family and members of a plan: what its models are trained as."""

from __future__ import annotations

from mia_dual.config import Config
from mia_dual.data.dataset import Dataset
from mia_dual.data.records import as_records, records_digest, records_shape
from mia_dual.interface import NetworkSpec
from mia_dual.plan.plan import Plan
from mia_dual.training.family import Family, Member


def plan_members(plan: Plan) -> dict[str, Member]:
    """Every model of ``plan`` as it is trained, by name."""
    return {
        model.name: Member(model.name, model.members, plan.recipes[model.recipe].epochs, plan.seed)
        for model in plan.models.values()
    }


def target_family(config: Config, dataset: Dataset) -> Family:
    """The models that are trained as ``config.target`` says, on records of ``dataset``."""
    network, size = config.target.network, config.data.image_size
    shape = records_shape(dataset, network, size)
    return Family(
        NetworkSpec(network, shape, dataset.classes, config.target.hidden),
        config.target,
        records_digest(dataset, network, size),
        lambda: as_records(dataset, network, size),
    )
