"""Versions of one model, and groups, each scored by attacks fitted on references of their kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Optional

from mia_dual.answers import Answers
from mia_dual.attacks.base import Attack, Need
from mia_dual.attacks.references import References
from mia_dual.plan.plan import Plan
from mia_dual.progress import Progress
from mia_dual.store.folder import RunFolder
from mia_dual.walks.scoring import Scores, score

LACK = f"{Need.SINGLE.value} (set deletion.fitted_on: single)"


@dataclass(frozen=True)
class Scored:
    """``scores`` of all versions.

    ``single``: of the same, but those of groups come from attacks that learnt from references of
    one model each; None where nobody asked for both, or both are one. ``not_run``: attacks that
    ``scores`` has nothing of for groups, and what each lacks.
    """

    scores: Scores
    single: Optional[Scores] = None
    not_run: dict[str, str] = field(default_factory=dict)


def score_versions(
    attacks: Sequence[Attack],
    plan: Plan,
    references: References,
    in_groups: Optional[References],
    both: bool,
    answers: Answers,
    folder: RunFolder,
    progress: Progress,
) -> Scored:
    """Score every version of ``plan`` by each of ``attacks``, fitted on ``references``; those of
    groups fitted on references ``in_groups``, or, where there are none, on the same.

    ``both``: those of groups by attacks fitted on ``references``, too.
    """
    versions, rows = list(plan.versions.values()), plan.target_rows
    if in_groups is None:
        return Scored(score(attacks, references, versions, answers, rows, folder, progress))
    groups = [version for version in versions if version.aggregation is not None]
    others = [version for version in versions if version.aggregation is None]
    single = score(
        attacks, references, versions if both else others, answers, rows, folder, progress
    )
    able = [attack for attack in attacks if Need.SINGLE not in attack.needs]
    of_groups = score(able, in_groups, groups, answers, rows, folder, progress)
    return Scored(
        single.joined(of_groups, [version.name for version in versions]),
        single if both else None,
        {attack.name: LACK for attack in attacks if Need.SINGLE in attack.needs},
    )
