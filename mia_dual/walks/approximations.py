"""Carries out what only looks like deletion: models that go on from one that saw the records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Optional

import numpy as np

from mia_dual.answers import Answers
from mia_dual.config import Config
from mia_dual.deletion.approximate import SALIENT, TREATMENTS, Case
from mia_dual.interface import Weights
from mia_dual.plan.plan import Plan, PlannedDeletion
from mia_dual.seeds import generator
from mia_dual.signals import confidences
from mia_dual.training.family import Family, Member
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

    def members(self) -> dict[str, Member]:
        """The plan's models of role ``approximate`` as they are trained, by name."""
        pulls = self._gradients()
        return {
            name: self._member(deletion, name, pulls.get(name))
            for name, deletion in self._treated.items()
        }

    @cached_property
    def _treated(self) -> dict[str, PlannedDeletion]:
        """What each model of role ``approximate`` is to forget, and how."""
        return {
            name: deletion
            for deletion in self.plan.deletions
            for name in self.plan.versions[deletion.after].retrained
            if self.plan.models[name].role == "approximate"
        }

    def _gradients(self) -> dict[str, Weights]:
        """Of each model whose method asks for it: what the forget set's loss pulls at the weights
        that it goes on from, summed over batches.

        Steps at no rate move nothing, and at a momentum of 1 the optimizer's average is the sum.
        They are taken as training takes them, in training mode: normalisation sees the batch.
        """
        members = {}
        for name, deletion in self._treated.items():
            if deletion.method in SALIENT:
                forget, origin = deletion.request.deleted, self.plan.models[name].origin
                assert origin is not None
                step = Segment(forget, 1, rate=0.0, batch_size=_even(len(forget), self._batch))
                key = self.trained[origin].entry.key
                members[name] = Member(f"{name}-pull", self.plan.seed, (step,), origin=key)
        found = self.trainer.train("saliency", self._still, members)
        return {name: self.trainer.first_averages(pull) for name, pull in found.items()}

    @property
    def _batch(self) -> int:
        return self.family.settings.batch_size

    @property
    def _still(self) -> Family:
        """The family, as it sums gradients up."""
        summed = {"optimizer": "sgd", "momentum": 1.0, "weight_decay": 0.0}
        settings = self.family.settings.model_copy(update=summed)
        family = self.family
        return Family(family.spec, settings, family.digest, lambda: family.records)

    def _member(
        self, deletion: PlannedDeletion, name: str, gradient: Optional[Weights]
    ) -> Member:
        model = self.plan.models[name]
        assert model.origin is not None
        request = deletion.request
        case = Case(
            forget=request.deleted,
            retain=np.setdiff1d(model.members, request.deleted),
            labels=self.labels,
            classes=self.family.spec.classes,
            training=self.family.settings,
            settings=self.config.deletion,
            said=partial(self._said, model.origin),
            gradient=gradient,
            rng=generator(self.plan.seed, "deletion", "approximate", name),
        )
        treatment = TREATMENTS[deletion.method](case)
        return Member(
            name,
            self.plan.seed,
            treatment.segments,
            treatment.targets,
            self.trained[model.origin].entry.key,
            treatment.mask,
        )

    def _said(self, model: str, rows: np.ndarray) -> np.ndarray:
        return confidences(self.answers.of(model, rows))


def _even(records: int, most: int) -> int:
    """The size of as few batches of ``records`` as hold ``most`` each, all nearly alike."""
    return -(-records // -(-records // most))
