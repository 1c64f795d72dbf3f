"""The plan: every model that will exist, who is in and out of it, and what is deleted.

A pure function of config and records, made before anything trains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, Optional, Union

import numpy as np

from mia_dual.deletion_settings import Aggregation, ApproximateMethod, ExactMethod
from mia_dual.plan.groups import Group
from mia_dual.plan.requests import Request
from mia_dual.plan.splits import Membership, Split
from mia_dual.rows import Rows, held, union
from mia_dual.training_settings import TrainingSettings

GIVEN = "given"
"""The recipe of a model that was trained elsewhere: it is trained by none of the plan's."""

FIRST = "target"
"""The name of the first target; the others have a number after it."""

Role = Literal[
    "target",
    "shadow",
    "full",
    "group",
    "synthetic",
    "reference",
    "approximate",
    "shadow_group",
]
Method = Union[ExactMethod, Literal["reference"], ApproximateMethod]

METHODS: tuple[Method, ...] = (
    *("full", "grouped", "reference"),
    *("nothing", "fine_tune", "warm_start", "neg_grad_plus", "scrub", "salun"),
)
"""In the order in which results tell of them: those that delete, models that never saw the forget
set and differ from full retraining by their draws alone, then those that delete nothing."""


EXACT = METHODS[:2]
COMPARED = METHODS[2:]


@dataclass(frozen=True)
class PlannedModel:
    """One model: ``recipe`` names how it is trained; only models of one recipe are trained
    together.

    ``members``: sorted int64 record indices it is trained on. ``asked``: those it is asked about.
    Those of a ``synthetic`` model, which is a shadow, are indices of made records, not of the data
    set's. ``slices``: its members in the order in which training comes to them; none where they
    come all at once. ``untouched``: the first so many slices are those of the model it takes the
    place of, whose training it goes on with. ``drawn_as``: the name that seeds its weights and
    batches; None: its own. ``origin``: of a role ``approximate``, the model that it goes on from.
    """

    name: str
    role: Role
    recipe: str
    members: Rows = Rows()
    asked: Rows = Rows()
    slices: tuple[np.ndarray, ...] = ()
    untouched: int = 0
    drawn_as: Optional[str] = None
    origin: Optional[str] = None

    def saw(self, rows: np.ndarray) -> np.ndarray:
        """(rows,) bool: which of the record indices ``rows`` it is trained on."""
        return held(self, "members").holds(rows)

    def was_asked(self, rows: np.ndarray) -> np.ndarray:
        """(rows,) bool: which of the record indices ``rows`` it is asked about."""
        return held(self, "asked").holds(rows)


@dataclass(frozen=True)
class Version:
    """A target as it stands before or after a deletion: one model, or several that are joined.

    ``aggregation`` says how (see :func:`mia_dual.deletion.aggregation.aggregate`), None for one
    model; ``sizes`` are the records of each. ``retrained`` names the models trained for it alone.
    ``target``: which target it is of.
    """

    name: str
    models: tuple[str, ...]
    aggregation: Optional[Aggregation] = None
    retrained: tuple[str, ...] = ()
    target: str = FIRST
    sizes: tuple[int, ...] = ()


def single(model: str) -> Version:
    """The version that is one ``model``, under its name."""
    return Version(model, (model,))


@dataclass(frozen=True)
class PlannedDeletion:
    """A request to one target carried out by a method: names of the versions before and after."""

    request: Request
    method: Method
    before: str
    after: str
    target: str = FIRST


@dataclass(frozen=True)
class PlannedTarget:
    """One target: who its members are, in which ``groups`` they are trained (none where nothing
    asks for groups), and what is deleted of them.
    """

    name: str
    membership: Membership
    groups: tuple[Group, ...] = ()
    requests: tuple[Request, ...] = ()


@dataclass(frozen=True)
class Plan:
    """What a run will do.

    ``shadow_groups``: each shadow as a version of models that are trained in groups, under the
    shadow's name; none where no attack is fitted on such. ``awaits_exposure``: whether forget sets
    are missing that references have yet to show. ``made``: how many records are made for shadows;
    ``made_shadows``: each such shadow's part of them, in the order of their models. Their labels
    are not known before the target is.
    """

    seed: int
    recipes: dict[str, TrainingSettings]
    models: dict[str, PlannedModel]
    split: Split
    targets: tuple[PlannedTarget, ...]
    versions: dict[str, Version]
    deletions: tuple[PlannedDeletion, ...]
    shadow_groups: tuple[Version, ...] = ()
    awaits_exposure: bool = False
    made: int = 0
    made_shadows: tuple[Membership, ...] = ()

    @property
    def groups(self) -> tuple[Group, ...]:
        """The first target's groups."""
        return self.targets[0].groups

    @property
    def requests(self) -> tuple[Request, ...]:
        """The first target's requests."""
        return self.targets[0].requests

    def deletions_alike(
        self, methods: Sequence[Method] = METHODS
    ) -> dict[tuple[str, Method], list[PlannedDeletion]]:
        """What each of ``methods`` does with each request, by both: a target each, in order."""
        alike: dict[tuple[str, Method], list[PlannedDeletion]] = {}
        for deletion in self.deletions:
            if deletion.method in methods:
                alike.setdefault((deletion.request.name, deletion.method), []).append(deletion)
        return alike

    @property
    def shadows(self) -> tuple[PlannedModel, ...]:
        """The shadow models."""
        return tuple(model for model in self.models.values() if model.role == "shadow")

    @cached_property
    def references(self) -> tuple[PlannedModel, ...]:
        """The shadows and targets that were asked about all audited records; none where shadows
        were not.
        """
        rows = self.target_rows
        if not self.shadows or not all(model.was_asked(rows).all() for model in self.shadows):
            return ()
        targets = [self.models[target.name] for target in self.targets]
        return (*self.shadows, *targets)

    @property
    def real(self) -> tuple[PlannedModel, ...]:
        """The models of the data set's own records."""
        return tuple(model for model in self.models.values() if model.role != "synthetic")

    @property
    def target_rows(self) -> np.ndarray:
        """The records under audit: every target's members and non-members, sorted."""
        return np.sort(self.split.target.rows)

    @cached_property
    def audited(self) -> np.ndarray:
        """Every record that some ``real`` model is asked about, sorted: what memberships are of."""
        return union(model.asked for model in self.real)

    def memberships(self) -> np.ndarray:
        """(real models, audited records) bool: whether the model was trained on the record."""
        audited, real = self.audited, self.real
        found = np.empty((len(real), len(audited)), bool)
        for row, model in zip(found, real):
            row[:] = model.saw(audited)
        return found


def of_target(target: str, name: str) -> str:
    """The name of a model, version or request of ``target``: the first target's have no prefix."""
    return name if target == FIRST else f"{target}-{name}"
