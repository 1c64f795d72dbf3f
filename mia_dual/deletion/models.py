"""The models a deletion is about: the one before, and the one retrained without the records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Optional, Protocol

import numpy as np

from mia_dual.deletion.aggregation import aggregate
from mia_dual.interface import Records
from mia_dual.plan.requests import Request
from mia_dual.predictions import Predictions
from mia_dual.signals import confidences
from mia_dual.store.index import Entry
from mia_dual.training.trainer import Recipe, Trainer

Method = Literal["full", "grouped"]


@dataclass(frozen=True)
class Cost:
    """What a retraining took; a model found in the store counts what it took when trained."""

    seconds: float
    steps: int
    groups_retrained: Optional[int]


class Deletion(Protocol):
    """A method of deletion, with the model before any."""

    @property
    def method(self) -> Method:
        """Its name."""
        ...

    @property
    def groups(self) -> Optional[int]:
        """How many groups there are; None where all is one model."""
        ...

    @property
    def before(self) -> Predictions:
        """What the model says before any deletion."""
        ...

    def delete(self, request: Request) -> tuple[Predictions, Cost]:
        """Retrain from fresh weights without ``request.deleted``."""
        ...


class Auditor:
    """Asks stored models about the records under audit."""

    def __init__(
        self, trainer: Trainer, recipe: Recipe, records: Records, audited: np.ndarray
    ) -> None:
        self.trainer = trainer
        self.recipe = recipe
        self.records = records
        self.audited = np.sort(audited)
        self._audited_records = records.take(self.audited)

    def predictions(self, name: str, entry: Entry) -> Predictions:
        """What one model says."""
        logits = self.trainer.logits(self.recipe, name, entry, self._audited_records)
        return Predictions(self.audited, confidences(logits))


def full_retraining_rows(request: Request) -> dict[str, np.ndarray]:
    """Name -> rows of the one model that full retraining trains."""
    return {f"full-{request.slug}": request.retained}


def group_rows(groups: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """Name -> rows of the model of each group."""
    return {_name(number): group for number, group in enumerate(groups)}


def group_retraining_rows(groups: Sequence[np.ndarray], request: Request) -> dict[str, np.ndarray]:
    """Name -> rows of the models of the groups hit by ``request``, but those left empty."""
    rows = {}
    for number, group in enumerate(groups):
        left = np.setdiff1d(group, request.deleted)
        if 0 < len(left) < len(group):
            rows[f"{_name(number)}-{request.slug}"] = left
    return rows


class FullRetraining:
    """One model, trained again on all that is retained."""

    method: Method = "full"
    groups = None

    def __init__(self, auditor: Auditor, before: Predictions) -> None:
        self.before = before
        self._auditor = auditor

    def delete(self, request: Request) -> tuple[Predictions, Cost]:
        """Train a new model on ``request.retained``."""
        auditor = self._auditor
        ((name, entry),) = auditor.trainer.train(
            f"full retraining, {request.name} deleted",
            auditor.recipe,
            full_retraining_rows(request),
            auditor.records,
        ).items()
        return auditor.predictions(name, entry), Cost(entry.seconds, entry.steps, None)


class GroupedRetraining:
    """A model a group; only the groups that held a deleted record are trained again."""

    method: Method = "grouped"

    def __init__(self, auditor: Auditor, groups: Sequence[np.ndarray], aggregation: str) -> None:
        self._auditor = auditor
        self._groups = groups
        self._aggregation = aggregation
        self.groups = len(groups)
        self._models = auditor.trainer.train(
            "group models",
            auditor.recipe,
            group_rows(groups),
            auditor.records,
        )
        self.before = self._together(self._models)

    @property
    def cost(self) -> Cost:
        """What training all groups took, before any deletion."""
        return _cost(list(self._models.values()), None)

    def delete(self, request: Request) -> tuple[Predictions, Cost]:
        """Train the groups hit by ``request`` again; a group left empty goes."""
        kept = {
            _name(number): self._models[_name(number)]
            for number, group in enumerate(self._groups)
            if not np.isin(group, request.deleted).any()
        }
        retrained = self._auditor.trainer.train(
            f"group retraining, {request.name} deleted",
            self._auditor.recipe,
            group_retraining_rows(self._groups, request),
            self._auditor.records,
        )
        cost = _cost(list(retrained.values()), len(retrained))
        return self._together({**kept, **retrained}), cost

    def _together(self, models: dict[str, Entry]) -> Predictions:
        answers = [
            self._auditor.predictions(name, entry).confidences for name, entry in models.items()
        ]
        return Predictions(self._auditor.audited, aggregate(answers, self._aggregation))


def _name(number: int) -> str:
    return f"group-{number:02d}"


def _cost(entries: Sequence[Entry], groups_retrained: Optional[int]) -> Cost:
    return Cost(
        seconds=sum(entry.seconds for entry in entries),
        steps=sum(entry.steps for entry in entries),
        groups_retrained=groups_retrained,
    )
