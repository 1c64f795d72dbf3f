"""What an attacker's reference models are: shadows of real records, or of records made for them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Optional

import numpy as np

from mia_dual.answers import Answers, ask
from mia_dual.attacks.asked import Means
from mia_dual.attacks.base import Attack
from mia_dual.attacks.references import References, Shadows, Signals
from mia_dual.attacks.table import SignalTable
from mia_dual.config import Config
from mia_dual.data.dataset import Dataset
from mia_dual.deferred import Deferred
from mia_dual.plan.draft import SYNTHETIC, check_evidence
from mia_dual.plan.plan import Plan, Version, of_target, single
from mia_dual.progress import Progress
from mia_dual.report.results import ShadowDataResult
from mia_dual.store.entry import Entry
from mia_dual.store.folder import SCORES_WITH_REAL, RunFolder
from mia_dual.synthesis.made import Made
from mia_dual.training.planned import dataset_family, plan_members, plan_scaling
from mia_dual.training.trainer import Trained
from mia_dual.walks.judge import Judge
from mia_dual.walks.scoring import Scores, score
from mia_dual.walks.shadow_records import Questions, shadow_records

MOST_STAND_INS = 8
"""References that stand in for the target where thresholds are fitted, at most."""


@dataclass(frozen=True)
class MadeShadows:
    """Shadows of made ``records``, which ``entry`` stores; ``trained`` are the models."""

    references: References
    records: Made
    entry: Entry
    trained: dict[str, Trained]

    def result(self, config: Config, plan: Plan, beside: Judge) -> ShadowDataResult:
        """What is said of them; ``beside`` judges the same attacks with real shadow data."""
        settings = config.shadows.data
        queries = int(self.records.queries.sum())
        on = settings.estimated_on or len(plan.split.pool)
        return ShadowDataResult(
            source=settings.source,
            settings=settings.own(),
            records=plan.made,
            estimated_on=on if settings.source == "marginals" else None,
            queries=queries,
            queries_a_record=queries / plan.made,
            attacks_with_real=beside.attacks("original"),
        )


def real_references(
    plan: Plan,
    labels: np.ndarray,
    classes: int,
    answers: Answers,
    means: Optional[Means] = None,
    prefix: str = "",
) -> References:
    """The plan's shadows of real records and its targets, with what they say in ``answers``.

    ``labels`` (records,) int64, in 0 .. ``classes`` - 1, are those of all records.
    """
    versions = {model.name: single(model.name) for model in plan.shadows}
    versions.update({target.name: single(target.name) for target in plan.targets})
    return _references(plan, labels, classes, answers, versions, means, prefix)


def grouped_references(
    plan: Plan, labels: np.ndarray, classes: int, answers: Answers, means: Means
) -> Optional[References]:
    """The same shadows and targets, trained in groups, under the same names; None where the plan
    trains no shadow so.
    """
    if not plan.shadow_groups:
        return None
    versions = {version.name: version for version in plan.shadow_groups}
    for target in plan.targets:
        groups = plan.versions[of_target(target.name, "groups")]
        versions[target.name] = replace(groups, name=target.name)
    return _references(plan, labels, classes, answers, versions, means, "grouped-")


def _references(
    plan: Plan,
    labels: np.ndarray,
    classes: int,
    answers: Answers,
    versions: Mapping[str, Version],
    means: Optional[Means],
    prefix: str,
) -> References:
    """The plan's references as the ``versions`` that go by their names."""
    shadows = Shadows(
        versions=[versions[model.name] for model in plan.shadows],
        memberships=plan.split.shadows,
        answers=answers,
        labels=labels,
        audited_labels=labels,
        classes=classes,
        seed=plan.seed,
        prefix=prefix,
    )
    return References(shadows, _signals(plan, labels, answers, versions, means), means=means)


def _signals(
    plan: Plan,
    labels: np.ndarray,
    answers: Answers,
    versions: Mapping[str, Version],
    means: Optional[Means],
) -> Optional[Signals]:
    asked = plan.references
    if not asked:
        return None
    members = Deferred({model.name: partial(getattr, model, "members") for model in asked})
    references = [versions[model.name] for model in asked]

    def table(rows: np.ndarray) -> SignalTable:
        return SignalTable(references, members, rows, answers, labels, means)

    audited = table(plan.target_rows)
    population = table(plan.split.population) if len(plan.split.population) else None
    shadows = [model.name for model in plan.shadows]
    return Signals(
        audited=audited,
        population=population,
        known=next(filter(partial(_tells, shadows), (audited, population)), None),
        stand_ins=shadows[:: -(-len(shadows) // MOST_STAND_INS)],
    )


def _tells(shadows: Sequence[str], table: Optional[SignalTable]) -> bool:
    """Whether shadows saw some records of ``table`` and not others."""
    if table is None:
        return False
    inside = table.inside[[table.place(name) for name in shadows]]
    return bool(inside.any(axis=1).all() and not inside.all(axis=1).any())


def make_shadows(questions: Questions, folder: RunFolder, progress: Progress) -> MadeShadows:
    """Make records, train the plan's synthetic shadows on them, and ask those.

    Raises DataError naming a class of which the records teach nothing.
    """
    plan, config, dataset = questions.plan, questions.config, questions.dataset
    made, entry = shadow_records(questions, folder, progress)
    check_evidence(
        plan.made_shadows,
        made.labels,
        dataset.classes,
        "raise shadows.data.records or shadows.count, or set shadows.data.per_class: true"
        if config.shadows.data.source == "marginals"
        else "raise shadows.data.records or shadows.count",
    )
    family = dataset_family(
        plan.recipes[SYNTHETIC],
        config.data.image_size,
        replace(dataset, features=made.features, labels=made.labels),
        plan_scaling(plan, config, dataset),
    )
    trained = questions.trainer.train("shadows", family, plan_members(plan, SYNTHETIC))
    for name, model in trained.items():
        folder.link(model.entry, f"models/{name}.safetensors")
    asked = {name: plan.models[name].asked for name in trained}
    shadows = Shadows(
        versions=[single(name) for name in trained],
        memberships=plan.made_shadows,
        answers=ask(questions.trainer, folder, family, trained, asked, progress),
        labels=made.labels,
        audited_labels=dataset.labels,
        classes=dataset.classes,
        seed=plan.seed,
    )
    return MadeShadows(References(shadows), made, entry, trained)


def score_with_real(
    attacks: Sequence[Attack],
    plan: Plan,
    dataset: Dataset,
    answers: Answers,
    folder: RunFolder,
    progress: Progress,
) -> Scores:
    """Scores of the original target by ``attacks`` that learn from the shadows of real records."""
    references = real_references(plan, dataset.labels, dataset.classes, answers, prefix="real-")
    original = [plan.versions["original"]]
    scores = score(attacks, references, original, answers, plan.target_rows, folder, progress)
    folder.write_arrays(SCORES_WITH_REAL, scores.arrays(dataset.labels))
    return scores
