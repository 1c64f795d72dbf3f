"""What shadow models teach an attack: how outputs for members differ from those for others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mia_dual.plan.splits import Membership, balanced
from mia_dual.seeds import generator
from mia_dual.signals import confidences


@dataclass(frozen=True)
class Evidence:
    """Outputs of known membership: ``logits`` (records, classes) float32 or float64, ``labels``
    (records,) int64 true classes, ``membership`` (records,) bool.
    """

    logits: np.ndarray
    labels: np.ndarray
    membership: np.ndarray

    @cached_property
    def confidences(self) -> np.ndarray:
        """(records, classes) float32."""
        return confidences(self.logits)


def gather_evidence(
    shadows: Sequence[Membership], logits: Iterable[np.ndarray], labels: np.ndarray, seed: int
) -> Evidence:
    """Balance each shadow's members and non-members, class by class, and join all shadows.

    ``logits``: for each shadow (its rows, classes), in the order of ``Membership.rows``, held in
    memory one at a time where they come so.
    """
    parts: list[np.ndarray] = []
    rows: list[np.ndarray] = []
    flags: list[np.ndarray] = []
    for shadow, chosen, outputs in zip(shadows, balance(shadows, labels, seed), logits):
        inside = np.searchsorted(shadow.members, chosen.members)
        outside = np.searchsorted(shadow.non_members, chosen.non_members)
        taken = outputs[np.concatenate([inside, len(shadow.members) + outside])]
        parts.append(taken)
        rows.append(chosen.rows)
        flags.append(np.repeat([True, False], [len(inside), len(outside)]))
    return Evidence(
        logits=np.concatenate(parts),
        labels=labels[np.concatenate(rows)],
        membership=np.concatenate(flags),
    )


def balance(shadows: Sequence[Membership], labels: np.ndarray, seed: int) -> list[Membership]:
    """Of each of ``shadows`` as many members as non-members, class by class."""
    return [
        balanced(
            shadow.members,
            shadow.non_members,
            labels,
            generator(seed, "attack", "balance", f"shadow-{number}"),
        )
        for number, shadow in enumerate(shadows)
    ]
