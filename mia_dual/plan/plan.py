"""The plan: every model that will exist, who is in and out of it, and what is deleted.

A pure function of config and records, made before anything trains.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Optional

import numpy as np

from mia_dual.config import TrainingSettings
from mia_dual.plan.requests import Request
from mia_dual.plan.splits import Membership, Split

GIVEN = "given"
"""The recipe of a model that was trained elsewhere: it is trained by none of the plan's."""

Role = Literal["target", "shadow", "full", "group", "synthetic"]
Method = Literal["full", "grouped"]


@dataclass(frozen=True)
class PlannedModel:
    """One model: its name seeds its weights and batches, ``recipe`` names how it is trained; only
    models of one recipe are trained together.

    ``members``: sorted int64 record indices it is trained on. ``asked``: those it is asked about.
    Those of a ``synthetic`` model, which is a shadow, are indices of made records, not of the data
    set's.
    """

    name: str
    role: Role
    recipe: str
    members: np.ndarray
    asked: np.ndarray


@dataclass(frozen=True)
class Version:
    """A target as it stands before or after a deletion: one model, or several that are joined.

    ``aggregation`` says how (see :func:`mia_dual.deletion.aggregation.aggregate`), None for one
    model. ``retrained`` names the models trained for it alone.
    """

    name: str
    models: tuple[str, ...]
    aggregation: Optional[Literal["mean", "vote"]] = None
    retrained: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlannedDeletion:
    """A request carried out by a method: names of the versions before and after."""

    request: Request
    method: Method
    before: str
    after: str


@dataclass(frozen=True)
class Plan:
    """What a run will do.

    ``made``: how many records are made for shadows; ``made_shadows``: each such shadow's part of
    them, in the order of their models. Their labels are not known before the target is.
    """

    seed: int
    recipes: dict[str, TrainingSettings]
    models: dict[str, PlannedModel]
    split: Split
    groups: tuple[np.ndarray, ...]
    requests: tuple[Request, ...]
    versions: dict[str, Version]
    deletions: tuple[PlannedDeletion, ...]
    made: int = 0
    made_shadows: tuple[Membership, ...] = ()

    @property
    def shadows(self) -> tuple[PlannedModel, ...]:
        """The shadow models."""
        return tuple(model for model in self.models.values() if model.role == "shadow")

    @property
    def real(self) -> tuple[PlannedModel, ...]:
        """The models of the data set's own records."""
        return tuple(model for model in self.models.values() if model.role != "synthetic")

    @property
    def target_rows(self) -> np.ndarray:
        """The records under audit: the target's members and non-members, sorted."""
        return np.sort(self.split.target.rows)

    @property
    def audited(self) -> np.ndarray:
        """Every record that some ``real`` model is asked about, sorted: what memberships are of."""
        return np.unique(np.concatenate([model.asked for model in self.real]))

    def memberships(self) -> np.ndarray:
        """(real models, audited records) bool: whether the model was trained on the record."""
        audited = self.audited
        return np.stack([np.isin(audited, model.members) for model in self.real])
