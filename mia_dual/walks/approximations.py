"""Carries out what only looks like deletion: models that go on from one that saw the records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from mia_dual.answers import Answers
from mia_dual.config import Config
from mia_dual.deletion.approximate import TREATMENTS, Case
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
        treated = [
            (deletion, model)
            for deletion in self.plan.deletions
            for model in map(self.plan.models.get, self.plan.versions[deletion.after].models)
            if model is not None and model.role == "approximate"
        ]
        return {model.name: self._member(deletion, model.name) for deletion, model in treated}

    def _member(self, deletion: PlannedDeletion, name: str) -> Member:
        model = self.plan.models[name]
        assert model.origin is not None
        origin, request = self.trained[model.origin], deletion.request
        case = Case(
            forget=request.deleted,
            retain=np.setdiff1d(model.members, request.deleted),
            labels=self.labels,
            classes=self.family.spec.classes,
            training=self.family.settings,
            settings=self.config.deletion,
            said=partial(self._said, model.origin),
            gradient=partial(self._gradient, name, origin, request.deleted),
            rng=generator(self.plan.seed, "deletion", "approximate", name),
        )
        treatment = TREATMENTS[deletion.method](case)
        return Member(
            name,
            self.plan.seed,
            treatment.segments,
            treatment.targets,
            origin.entry.key,
            treatment.mask,
        )

    def _said(self, model: str, rows: np.ndarray) -> np.ndarray:
        return confidences(self.answers.of(model, rows))

    def _gradient(self, name: str, origin: Trained, forget: np.ndarray) -> Weights:
        """What the optimizer's first average holds after one step of all of ``forget`` at once, at
        no rate, less what weight decay adds: the gradient of their mean loss.
        """
        step = Segment(forget, 1, rate=0.0, batch_size=len(forget))
        member = Member(f"{name}-pull", self.plan.seed, (step,), origin=origin.entry.key)
        found = self.trainer.train("saliency", self.family, {name: member})[name]
        weights, decay = self.trainer.weights(found), self.family.optimizer.weight_decay
        return {
            parameter: first - decay * weights[parameter]
            for parameter, first in self.trainer.first_averages(found).items()
        }
