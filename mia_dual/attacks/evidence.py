"""What shadow models teach an attack: how outputs for members differ from those for others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mia_dual.errors import DataError
from mia_dual.plan.splits import Membership, balanced
from mia_dual.seeds import generator


@dataclass(frozen=True)
class Evidence:
    """Outputs of known membership: ``confidences`` (records, classes) float32, ``labels``
    (records,) int64 true classes, ``membership`` (records,) bool.
    """

    confidences: np.ndarray
    labels: np.ndarray
    membership: np.ndarray


def gather_evidence(
    shadows: Sequence[Membership],
    confidences: Sequence[np.ndarray],
    labels: np.ndarray,
    classes: int,
    seed: int,
) -> Evidence:
    """Balance each shadow's members and non-members, class by class, and join all shadows.

    ``confidences``: for each shadow (its rows, classes), in the order of ``Membership.rows``.
    Raises DataError naming a class of which no shadow has both members and non-members.
    """
    parts: list[np.ndarray] = []
    rows: list[np.ndarray] = []
    flags: list[np.ndarray] = []
    for number, (shadow, outputs) in enumerate(zip(shadows, confidences)):
        chosen = balanced(
            shadow.members,
            shadow.non_members,
            labels,
            generator(seed, "attack", "balance", f"shadow-{number}"),
        )
        inside = np.searchsorted(shadow.members, chosen.members)
        outside = np.searchsorted(shadow.non_members, chosen.non_members)
        parts.append(outputs[np.concatenate([inside, len(shadow.members) + outside])])
        rows.append(chosen.rows)
        flags.append(np.repeat([True, False], [len(inside), len(outside)]))
    evidence = Evidence(
        confidences=np.concatenate(parts),
        labels=labels[np.concatenate(rows)],
        membership=np.concatenate(flags),
    )
    absent = np.setdiff1d(np.arange(classes), evidence.labels)
    if len(absent):
        raise DataError(
            f"class {absent[0]} has no shadow with both members and non-members of it, so its "
            "attack model has nothing to learn from: raise split.shadow_members or shadows.count"
        )
    return evidence
