"""Distillation: models that learn what others answer, and the stages they pass on the way."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Callable

import numpy as np

from mia_dual.answers import ask
from mia_dual.interface import Targets
from mia_dual.progress import Progress
from mia_dual.signals import confidences, log_confidence
from mia_dual.store.folder import RunFolder
from mia_dual.training.family import Family, Member
from mia_dual.training.trainer import Trainer

STUDENT = "distilled"
"""The name of every distilled model: all start from the same weights and see the same batches, so
that what differs between two of them is what their teachers say.
"""


def students(logits: np.ndarray, rows: np.ndarray, epochs: int, seed: int) -> list[Member]:
    """A model that learns what a teacher answers, after each of ``epochs`` epochs.

    ``logits``: (rows, classes), what the teacher says of ``rows``, sorted record indices. They are
    stages of one training, which :meth:`mia_dual.training.trainer.Trainer.train` does once.
    """
    targets = Targets(rows, confidences(logits))
    return [Member.of(STUDENT, rows, epoch, seed, targets) for epoch in range(1, epochs + 1)]


@dataclass(frozen=True)
class Teacher:
    """What is distilled: ``said`` gives its logits (rows, classes) of record indices; ``asked``:
    sorted indices of the records that trajectories are wanted of.
    """

    said: Callable[[np.ndarray], np.ndarray]
    asked: np.ndarray


def trajectories(
    trainer: Trainer,
    folder: RunFolder,
    family: Family,
    teachers: Mapping[str, Teacher],
    auxiliary: np.ndarray,
    labels: np.ndarray,
    epochs: int,
    seed: int,
    progress: Progress,
) -> dict[str, np.ndarray]:
    """How each record's loss fell while what a model knows was distilled (Liu et al. 2022,
    section 4.2): teacher -> (its asked records, epochs + 1) float64.

    All are distilled in one call, on ``auxiliary`` records of ``family`` (sorted), of which none
    may be a member of any teacher: that a student never saw what its teacher was trained on is
    what makes its losses tell. A trajectory is the loss at the record's label under the student
    after each epoch, then under the teacher itself. ``labels`` (records,) are those of the family.
    """
    stages = {
        (name, epoch): member
        for name, teacher in teachers.items()
        for epoch, member in enumerate(
            students(teacher.said(auxiliary), auxiliary, epochs, seed), start=1
        )
    }
    called = {stage: f"{stage[0]}-{STUDENT}-{stage[1]:03d}" for stage in stages}
    trained = trainer.train(
        "distillation", family, {called[stage]: member for stage, member in stages.items()}
    )
    for name, model in trained.items():
        folder.link(model.entry, f"models/{name}.safetensors")
    rows = {called[name, epoch]: teachers[name].asked for name, epoch in stages}
    said = ask(trainer, folder, family, trained, rows, progress)
    return {
        name: _losses(
            [
                *(said.of(called[name, epoch], teacher.asked) for epoch in range(1, epochs + 1)),
                teacher.said(teacher.asked),
            ],
            labels[teacher.asked],
        )
        for name, teacher in teachers.items()
    }


def _losses(answers: Sequence[np.ndarray], labels: np.ndarray) -> np.ndarray:
    return np.stack([-log_confidence(logits, labels) for logits in answers], axis=1)
