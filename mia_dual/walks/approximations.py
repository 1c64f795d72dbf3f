"""Carries out what only looks like deletion: models that go on from one that saw the records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Callable, Optional

import numpy as np

from mia_dual.answers import Answers
from mia_dual.config import Config
from mia_dual.deletion.approximate import SALIENT, TREATMENTS, Case, Treatment
from mia_dual.engine import Engine
from mia_dual.errors import BackendError, NetworkError
from mia_dual.interface import Capability, Weights
from mia_dual.networks import normalises
from mia_dual.plan.plan import Plan, PlannedDeletion
from mia_dual.seeds import generator
from mia_dual.signals import confidences
from mia_dual.training.family import Family, Member
from mia_dual.training.jobs import built_weights
from mia_dual.training.segment import Segment
from mia_dual.training.trainer import Trained, Trainer


@dataclass(frozen=True)
class Treated:
    """What the approximate methods of a plan go on from: ``trained`` models of ``family`` and what
    they say in ``answers``; ``labels`` (records,) are those of all records.
    """

    plan: Plan
    config: Config
    labels: np.ndarray
    trainer: Trainer
    family: Family
    trained: Mapping[str, Trained]
    answers: Answers

    def train(self) -> dict[str, Trained]:
        """The plan's models of role ``approximate``, by name, all trained in one call; the steps
        of each count those that its method takes to look at the forget set first.
        """
        looks = self._look()
        members = {}
        for name, deletion in treated_models(self.plan).items():
            origin = self._origin(name)
            said = partial(self._said, origin)
            gradient = self.trainer.first_averages(looks[name]) if name in looks else None
            case = _case(self.plan, self.config, self.labels, self.family, deletion, said, gradient)
            treatment = TREATMENTS[deletion.method](case)
            members[name] = _member(self.plan, name, treatment, self.trained[origin].entry.key)
        found = self.trainer.train("approximations", self.family, members)
        return {
            name: _with_look(model, looks[name]) if name in looks else model
            for name, model in found.items()
        }

    def _look(self) -> dict[str, Trained]:
        """For each model whose method asks for it: what the forget set's loss pulls at the weights
        that it goes on from, summed over batches, as the optimizer's first average.

        Steps at no rate move nothing, and at a momentum of 1 the average is the sum. They are
        steps of training, so a network that normalises does so over these batches.
        """
        members = {
            name: Member(
                f"{name}-look",
                self.plan.seed,
                (_look_segment(deletion, self.family),),
                origin=self.trained[self._origin(name)].entry.key,
            )
            for name, deletion in treated_models(self.plan).items()
            if deletion.method in SALIENT
        }
        family = self.family
        still = {"optimizer": "sgd", "momentum": 1.0, "weight_decay": 0.0}
        settings = family.settings.model_copy(update=still)
        summing = Family(family.spec, settings, family.digest, lambda: family.records)
        return self.trainer.train("saliency", summing, members)

    def _origin(self, name: str) -> str:
        origin = self.plan.models[name].origin
        assert origin is not None
        return origin

    def _said(self, model: str, rows: np.ndarray) -> np.ndarray:
        return confidences(self.answers.of(model, rows))


def treated_models(plan: Plan) -> dict[str, PlannedDeletion]:
    """The models of role ``approximate``, by name: what each is to forget, and by which method."""
    return {
        name: deletion
        for deletion in plan.deletions
        for name in plan.versions[deletion.after].retrained
        if plan.models[name].role == "approximate"
    }


def outlined_members(
    plan: Plan, config: Config, labels: np.ndarray, family: Family
) -> dict[str, Member]:
    """The models of role ``approximate`` before what they go on from is there: in as many steps,
    of as many records, but without targets, masks or origins.
    """
    members = {}
    blank = partial(_nothing, family)
    for name, deletion in treated_models(plan).items():
        case = _case(plan, config, labels, family, deletion, blank, None)
        segments = TREATMENTS[deletion.method](case).segments
        if deletion.method in SALIENT:
            segments = (_look_segment(deletion, family), *segments)
        members[name] = _member(plan, name, Treatment(segments), None)
    return members


def check_treatable(plan: Plan, config: Config, family: Family, engine: Engine) -> None:
    """Whether the approximate methods of ``plan`` can be carried out, before anything trains.

    Raises BackendError where ``engine`` fits models at once and can train none on, NetworkError
    where a step would be of one record in a network that normalises over batches.
    """
    treated = treated_models(plan)
    for deletion in treated.values():
        if Capability.STEPS not in engine.capabilities:
            raise BackendError(
                f"deletion.approximate: {deletion.method} trains a model on, and backend "
                f"'{engine.name}' fits models at once: leave it out, or choose a backend of "
                "networks"
            )
    batch_sizes = {
        "scrub": config.deletion.scrub.forget_batch_size,
        "salun": family.settings.batch_size,
    }
    alone = [
        name
        for name, deletion in treated.items()
        if deletion.method in batch_sizes
        and min(len(deletion.request.deleted), batch_sizes[deletion.method]) == 1
    ]
    if alone and normalises(built_weights(family, engine.backend, seed=0)):
        raise NetworkError(
            f"network '{family.spec.name}' normalises over each batch, and '{alone[0]}' would take "
            "steps on a single record of the forget set: delete 2 at least, in batches of 2 at "
            f"least, or leave {treated[alone[0]].method} out of deletion.approximate"
        )


def _case(
    plan: Plan,
    config: Config,
    labels: np.ndarray,
    family: Family,
    deletion: PlannedDeletion,
    said: Callable[[np.ndarray], np.ndarray],
    gradient: Optional[Weights],
) -> Case:
    forget, (name,) = deletion.request.deleted, plan.versions[deletion.after].retrained
    return Case(
        forget=forget,
        retain=np.setdiff1d(plan.models[name].members, forget),
        labels=labels,
        classes=family.spec.classes,
        training=family.settings,
        settings=config.deletion,
        said=said,
        gradient=gradient,
        rng=generator(plan.seed, "deletion", "approximate", name),
    )


def _member(plan: Plan, name: str, treatment: Treatment, origin: Optional[str]) -> Member:
    segments, targets, mask = treatment.segments, treatment.targets, treatment.mask
    return Member(name, plan.seed, segments, targets, origin, mask)


def _look_segment(deletion: PlannedDeletion, family: Family) -> Segment:
    """All of the forget set once, at no rate, in as few batches as training would take, all
    nearly alike so that each record counts nearly the same.
    """
    forget = deletion.request.deleted
    batches = -(-len(forget) // family.settings.batch_size)
    return Segment(forget, 1, rate=0.0, batch_size=-(-len(forget) // batches))


def _with_look(model: Trained, look: Trained) -> Trained:
    """``model``, whose steps and seconds count those of ``look``, too."""
    return replace(
        model,
        entry=replace(model.entry, seconds=model.entry.seconds + look.entry.seconds),
        steps=model.steps + look.steps,
        segment_steps=(*look.segment_steps, *model.segment_steps),
    )


def _nothing(family: Family, rows: np.ndarray) -> np.ndarray:
    return np.zeros((len(rows), family.spec.classes), np.float32)
