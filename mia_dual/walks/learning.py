"""How the first target learnt: its accuracy and loss after some epochs, from what it said then."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mia_dual.answers import Answers, ask
from mia_dual.plan.plan import FIRST, Plan
from mia_dual.progress import Progress
from mia_dual.report.results import CurvePoint
from mia_dual.signals import accuracy, log_confidence
from mia_dual.store.folder import RunFolder
from mia_dual.training.family import Family
from mia_dual.training.stages import Stage, release
from mia_dual.training.trainer import Trained, Trainer


def ask_stages(
    plan: Plan,
    stages: Mapping[str, Stage],
    trained: Mapping[str, Trained],
    trainer: Trainer,
    folder: RunFolder,
    family: Family,
    progress: Progress,
) -> Answers:
    """What each of ``stages`` says of the records under audit; ``trained`` are those of them that
    were not asked yet. Nobody asks them again, so the store needs them no more.
    """
    rows = plan.target_rows
    keys = {name: stage.answers for name, stage in stages.items()}
    ask(trainer, folder, family, trained, dict.fromkeys(trained, rows), progress)
    release(stages, folder)
    logits = {}
    for name, key in keys.items():
        entry = folder.find(key)
        assert entry is not None
        folder.link(entry, f"answers/{name}.npy")
        logits[name] = np.load(folder.store.file(entry), mmap_mode="r")
    return Answers(dict.fromkeys(stages, rows), logits, keys)


def learning_curve(
    plan: Plan,
    labels: np.ndarray,
    stages: Mapping[str, Stage],
    said: Answers,
    answers: Answers,
    epochs: int,
) -> list[CurvePoint]:
    """The points of the curve, the last one after all ``epochs``.

    ``said`` are the answers of the stages, ``answers`` those of the plan's models; ``labels``
    (records,) are those of all records.
    """
    points = [_point(plan, labels, said, name, stage.epochs) for name, stage in stages.items()]
    return [*points, _point(plan, labels, answers, FIRST, epochs)]


def _point(plan: Plan, labels: np.ndarray, answers: Answers, name: str, epochs: int) -> CurvePoint:
    found = {}
    membership = plan.targets[0].membership
    for side, rows in (("train", membership.members), ("test", membership.non_members)):
        logits = answers.of(name, rows)
        losses = -log_confidence(logits, labels[rows])
        found[f"{side}_accuracy"] = accuracy(logits, labels[rows])
        found[f"{side}_loss"] = float(losses.mean())
        found[f"{side}_loss_error"] = float(losses.std() / np.sqrt(max(len(losses) - 1, 1)))
    return CurvePoint(epochs=epochs, **found)
