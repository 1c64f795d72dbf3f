"""What training a planned model takes, counted before it is trained."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mia_dual.plan.plan import PlannedModel
from mia_dual.training.family import Family
from mia_dual.training.planned import planned_member
from mia_dual.training.trainer import Trained


@dataclass(frozen=True)
class Work:
    """``models`` trained, in so many optimizer ``steps``; ``records`` seen, each as often as it is
    seen (a record that is left out of an epoch, so that it makes no batch alone, counted too);
    ``states`` that stay when it is done, the models themselves among them.
    """

    models: int = 0
    steps: int = 0
    records: int = 0
    states: int = 0

    def __add__(self, other: Work) -> Work:
        """Both, one after the other."""
        return Work(
            self.models + other.models,
            self.steps + other.steps,
            self.records + other.records,
            self.states + other.states,
        )


def work_of(model: PlannedModel, family: Family, seed: int) -> Work:
    """What ``model`` takes beyond the slices that it takes over from the model before it."""
    member = planned_member(model, family.settings.epochs, seed)
    own = member.segments[-_own_slices(model) :]
    return Work(
        1,
        sum(segment.epochs * segment.steps_an_epoch(family.settings) for segment in own),
        sum(segment.epochs * len(segment.rows) for segment in own),
        len(own),
    )


def total_work(models: Iterable[PlannedModel], family: Family, seed: int) -> Work:
    """What all of ``models`` take."""
    return sum((work_of(model, family, seed) for model in models), Work())


def own_steps(model: PlannedModel, trained: Trained) -> int:
    """Optimizer steps that ``trained`` took beyond those of the state it went on from."""
    if not model.slices:
        return trained.steps
    return sum(trained.segment_steps[-_own_slices(model) :])


def own_seconds(model: PlannedModel, trained: Trained) -> float:
    """Seconds that ``trained`` took beyond those of the state it went on from."""
    passed = len(trained.segment_steps) - _own_slices(model)
    if not model.slices or passed < 1:
        return trained.entry.seconds
    return trained.entry.seconds - trained.passed[passed - 1][0].seconds


def _own_slices(model: PlannedModel) -> int:
    # Slices that lost all their records are no segments any more, and they are the first.
    return max(len(model.slices) - model.untouched, 1)
