"""Methods that make a model which saw records answer as if it had not, by training it on.

Each says in segments how the model goes on; none of them deletes, since what a record left in the
weights is still their starting point.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Callable, Optional

import numpy as np

from mia_dual.deletion_settings import DeletionSettings
from mia_dual.interface import Targets, Weights
from mia_dual.training.segment import Beside, Segment
from mia_dual.training_settings import TrainingSettings


@dataclass(frozen=True)
class Case:
    """A trained model and what it is to forget.

    ``forget`` and ``retain``: sorted record indices, together all that it was trained on, as
    ``training`` says. ``labels`` (records,) int64 in 0 .. ``classes`` - 1 are those of all records.
    ``said`` gives the model's confidences (rows, classes) float32 of record indices. ``gradient``:
    that of the forget set's loss by parameter, for methods of :data:`SALIENT`; None for others.
    """

    forget: np.ndarray
    retain: np.ndarray
    labels: np.ndarray
    classes: int
    training: TrainingSettings
    settings: DeletionSettings
    said: Callable[[np.ndarray], np.ndarray]
    gradient: Optional[Weights]
    rng: np.random.Generator

    def epochs(self, part: float, least: int = 1) -> int:
        """So large a ``part`` of the target's epochs, and ``least`` at least."""
        return max(round(self.training.epochs * part), least)


@dataclass(frozen=True)
class Treatment:
    """How a model is trained on; see :class:`mia_dual.training.family.Member`."""

    segments: tuple[Segment, ...]
    targets: Optional[Targets] = None
    mask: Optional[Mapping[str, np.ndarray]] = None


def fine_tune(case: Case) -> Treatment:
    """A few epochs of the retain set more."""
    wanted = case.settings.fine_tune
    rate = wanted.learning_rate or case.training.learning_rate
    return Treatment((Segment(case.retain, wanted.epochs or case.epochs(0.1), rate=rate),))


def warm_start(case: Case) -> Treatment:
    """The whole training again on the retain set, but from the weights that saw the forget set."""
    return Treatment((Segment(case.retain, case.training.epochs),))


def neg_grad_plus(case: Case) -> Treatment:
    """Every step goes down the mean loss of a batch of the retain set and up that of a batch of
    the forget set, which comes again as often as it must (Kurmanji et al. 2023, NegGrad+).

    Both are one batch here, over which a network that normalises does so; the authors' code asks
    about one after the other.
    """
    wanted = case.settings.neg_grad_plus
    rate, share = wanted.learning_rate or case.training.learning_rate, wanted.retain_share
    epochs = wanted.epochs or case.epochs(0.1)
    up = Beside(case.forget, share - 1)
    return Treatment((Segment(case.retain, epochs, share=share, beside=up, rate=rate),))


def scrub(case: Case) -> Treatment:
    """Epochs on the forget set, where the model leaves what it said itself, in turn with epochs on
    the retain set, where it keeps to that and to the labels; the last epochs are on the retain set
    alone (Kurmanji et al. 2023, SCRUB, its algorithm 1 and objective).

    Divergences from what the model said are cross entropies against it, up to a constant. So both
    terms on the retain set are one target, the mean of that and the label, which weighs as much as
    both. The authors' code also divides logits by a temperature (2 or 4) in the divergences, as
    the paper's objective does not; neither does this. A model starts where its divergence is least
    and flat, so one that is nearly sure of every record leaves slowly, or not at all.
    """
    wanted = case.settings.scrub
    rate = wanted.learning_rate or case.training.learning_rate / 2
    weight = wanted.teacher_weight + wanted.label_weight
    rows = np.union1d(case.forget, case.retain)
    distributions = case.said(rows).astype(np.float32)
    kept = np.isin(rows, case.retain)
    labels = np.eye(case.classes, dtype=np.float32)[case.labels[rows[kept]]]
    distributions[kept] = (
        wanted.teacher_weight * distributions[kept] + wanted.label_weight * labels
    ) / weight
    up = Segment(case.forget, 1, share=-1.0, rate=rate, batch_size=wanted.forget_batch_size)
    down = Segment(case.retain, 1, share=weight, rate=rate)
    epochs = wanted.epochs or case.epochs(0.2, least=2)
    rising = min(wanted.rising_epochs or epochs // 2 or 1, epochs)
    segments = (up, down) * rising + (down,) * (epochs - rising)
    return Treatment(segments, Targets(rows, distributions))


def salun(case: Case) -> Treatment:
    """Random other labels for the forget set, the retain set's own, and only those weights move at
    which the forget set's loss pulls hardest (Fan et al. 2024, SalUn with random labels).

    Both sets come in one order, as the authors' code has them for CIFAR-100. It draws labels anew
    every epoch, and looks at the gradient in evaluation mode; here they are drawn once, and
    :class:`mia_dual.walks.approximations.Treated` looks.
    """
    wanted = case.settings.salun
    rate = wanted.learning_rate or case.training.learning_rate / 10
    moves = case.rng.integers(1, case.classes, len(case.forget))
    wrong = (case.labels[case.forget] + moves) % case.classes
    targets = Targets(case.forget, np.eye(case.classes, dtype=np.float32)[wrong])
    segment = Segment(np.union1d(case.forget, case.retain), wanted.epochs, rate=rate)
    mask = None if case.gradient is None else _salient(case.gradient, wanted.saliency)
    return Treatment((segment,), targets, mask)


def _salient(gradient: Weights, share: float) -> dict[str, np.ndarray]:
    """Where ``gradient`` is among the largest ``share`` of all its values, in size, and not 0: it
    is at many weights that feed units which no record of the forget set turns on.
    """
    sizes = np.concatenate([np.abs(part).ravel() for part in gradient.values()])
    count = max(round(share * len(sizes)), 1)
    least = np.partition(sizes, len(sizes) - count)[len(sizes) - count]
    return {name: (np.abs(part) >= least) & (part != 0) for name, part in gradient.items()}


TREATMENTS: dict[str, Callable[[Case], Treatment]] = {
    "fine_tune": fine_tune,
    "warm_start": warm_start,
    "neg_grad_plus": neg_grad_plus,
    "scrub": scrub,
    "salun": salun,
}
"""By method; ``nothing`` leaves the model as it is, and needs none."""

SALIENT = frozenset({"salun"})
"""Methods that look at the gradient of the forget set's loss first."""
