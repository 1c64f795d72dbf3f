"""What attacks find together, and who is exposed: findings over all attacks and targets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations
from typing import Optional

import numpy as np

from mia_dual.metrics.exposure import exposure
from mia_dual.metrics.together import found_at, overlap, persistence, union
from mia_dual.report.results import (
    Coverage,
    ExposedRecord,
    Exposure,
    Pair,
    Together,
)
from mia_dual.walks.scoring import Scores
from mia_dual.walks.trials import Place, Trials, trials_at

COMPARED_AT = (0.01, 0.1)
"""False-positive rates at which attacks are held against each other: the first that non-members
are enough to show.
"""

MOST_EXPOSED = 20
"""Records that are listed."""


def together(scores: Scores, places: Sequence[Place]) -> Optional[Together]:
    """Which members attacks find at ``places``, a version of every target; None for one attack, or
    where non-members are too few to show any rate.
    """
    attacks = {attack: trials_at(scores, attack, places) for attack in scores.table}
    if len(attacks) < 2:
        return None
    membership = next(iter(attacks.values())).membership
    for rate in COMPARED_AT:
        found = {
            attack: accused
            for attack, trials in attacks.items()
            for accused in [found_at(membership, trials.scores, rate)]
            if accused is not None
        }
        if found:
            break
    else:
        return None
    joined = union(membership, np.stack([trials.scores for trials in attacks.values()]), rate)
    return Together(
        fpr=rate,
        attacks={
            attack: Coverage(
                found=int(accused[membership].sum()),
                **_over_targets(trials, accused),
            )
            for attack, accused in found.items()
            for trials in [attacks[attack]]
        },
        pairs=[
            Pair(first=one, second=other, **overlap(membership, found[one], found[other])._asdict())
            for one, other in combinations(found, 2)
        ],
        union_tpr=joined.tpr,
        union_fpr=joined.fpr,
        union_matched_tpr=joined.matched_tpr,
        best_tpr=joined.best_tpr,
    )


def _over_targets(trials: Trials, accused: np.ndarray) -> dict[str, Optional[int]]:
    if len(trials.cuts) < 2:
        return {"repeated": None, "ever": None, "always": None}
    _, found, inside, asked = replace(trials, scores=accused.astype(np.float64)).matrices()
    kept = persistence(inside & asked, found > 0)
    return {"repeated": kept.asked, "ever": kept.ever, "always": kept.always}


def most_exposed(
    attack: str, scores: Scores, places: Sequence[Place], labels: np.ndarray
) -> Optional[Exposure]:
    """The records that ``attack`` tells about in most targets; None where there is one target."""
    if len(places) < 2:
        return None
    rows, table, inside, asked = trials_at(scores, attack, places).matrices()
    for rate in COMPARED_AT:
        found = exposure(inside, table, rate, asked)
        if found.times_in.any():
            break
    else:
        return None
    return Exposure(
        attack=attack,
        fpr=rate,
        records=[
            ExposedRecord(
                record=int(rows[place]),
                label=int(labels[rows[place]]),
                found=int(found.found_in[place]),
                inside=int(found.times_in[place]),
                cleared=int(found.found_out[place]),
                outside=int(found.times_out[place]),
            )
            for place in found.most(MOST_EXPOSED)
        ],
    )
