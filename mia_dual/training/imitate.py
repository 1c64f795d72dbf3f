"""Reference models that imitate a target (IMIA, Du et al., USENIX Security 2026).

References that do not know the target differ from it, and from each other, far more than one
record moves them. These learn what the target answers on records that it never saw (out), and go
on from there with audited records and their labels beside those (in): so the two sides are meant to
differ by the record alone.

As in the paper, an imitator learns answer and label alike; its answers by cross entropy, where the
paper matches logits and weighs the margin, since that is the loss there is
(:class:`mia_dual.interface.TrainingJob`). That matches what a sure target answers, and not how
sure it is: on an overfitted ConvNet imitators stayed at half of its log odds. In models keep the
population's records in their batches, which the authors' code leaves out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from mia_dual.interface import Targets
from mia_dual.seeds import generator
from mia_dual.signals import confidences
from mia_dual.training.family import Member
from mia_dual.training.trainer import Trained

ALPHA = 0.5
"""What the target's answer weighs in an imitator's targets, beside the label."""


def imitation_targets(
    logits: np.ndarray, labels: np.ndarray, rows: np.ndarray, alpha: float = ALPHA
) -> Targets:
    """What imitators learn about the population, ``rows`` (sorted record indices).

    ``logits``: (rows, classes), what the target says of them; ``labels``: (rows,) theirs.
    """
    mixed = alpha * confidences(logits)
    mixed[np.arange(len(rows)), labels] += 1 - alpha
    return Targets(rows, mixed.astype(np.float32))


def out_members(target: str, targets: Targets, count: int, epochs: int, seed: int) -> list[Member]:
    """``count`` imitators of the model ``target``, which see the population alone."""
    return [
        Member.of(f"{target}-imitation-out-{number:02d}", targets.rows, epochs, seed, targets)
        for number in range(count)
    ]


def in_members(
    target: str,
    targets: Targets,
    halves: Sequence[np.ndarray],
    outs: Mapping[str, Trained],
    epochs: int,
    seed: int,
) -> list[Member]:
    """Imitators that go on from each of ``outs``, in their order, with a half of the audited
    records beside the population.

    ``halves``: for each its audited records (see :func:`halve`), none of the population's. Those
    have no targets, and so teach their labels.
    """
    return [
        Member.of(
            f"{target}-imitation-in-{number:02d}",
            np.sort(np.concatenate([targets.rows, half])),
            epochs,
            seed,
            targets,
            out.entry.key,
        )
        for number, (half, out) in enumerate(zip(halves, outs.values()))
    ]


def halve(audited: np.ndarray, count: int, seed: int) -> list[np.ndarray]:
    """``count`` halves of ``audited`` records, sorted, in complementary pairs: every record is in
    exactly half of them where ``count`` is even.
    """
    halves: list[np.ndarray] = []
    for pair in range(-(-count // 2)):
        order = generator(seed, "imitation", f"pair-{pair}").permutation(audited)
        halves.extend(np.sort(part) for part in np.array_split(order, 2))
    return halves[:count]
