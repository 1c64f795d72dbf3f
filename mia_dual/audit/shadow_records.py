"""Records made for shadows: from what a source allows, asked of the target, stored by content.

``shadow_records.npz`` holds ``features`` (records, *shape) as the data set has them, ``labels``
(records,) int64 and ``queries`` (records,) int64, how often the target was asked for each.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from mia_dual.config import Config
from mia_dual.data.archive import opened
from mia_dual.data.dataset import Dataset
from mia_dual.data.records import as_records
from mia_dual.interface import NetworkSpec
from mia_dual.plan.plan import Plan
from mia_dual.progress import Advance, Progress
from mia_dual.seeds import generator
from mia_dual.signals import confidences
from mia_dual.store.entry import Entry
from mia_dual.store.files import as_npz
from mia_dual.store.folder import SHADOW_RECORDS, RunFolder
from mia_dual.store.keys import CODE_SCHEMA, array_digest, key_of
from mia_dual.synthesis.climbing import Climb, synthesise
from mia_dual.synthesis.made import Ask, Made
from mia_dual.synthesis.marginals import draw_class_marginals, draw_marginals
from mia_dual.synthesis.noisy import add_noise
from mia_dual.synthesis.ranges import find_ranges
from mia_dual.training.planned import plan_scaling
from mia_dual.training.trainer import Trained, Trainer

ARRAYS = ("features", "labels", "queries")


@dataclass(frozen=True)
class Questions:
    """The target as an attacker has it: records in, confidences out; see ``Ask``."""

    plan: Plan
    config: Config
    dataset: Dataset
    spec: NetworkSpec
    trainer: Trainer
    target: Trained

    def ask(self) -> Ask:
        """Load the target, and give what asks it."""
        backend, weights = self.trainer.engine.backend, self.trainer.weights(self.target)
        scaling = plan_scaling(self.plan, self.config, self.dataset)

        def ask(features: np.ndarray) -> np.ndarray:
            unlabelled = np.zeros(len(features), np.int64)
            records = as_records(
                replace(self.dataset, features=features, labels=unlabelled),
                self.spec.name,
                self.config.data.image_size,
                scaling,
            )
            rows = np.arange(len(features))[None]
            return confidences(backend.logits(self.spec, [weights], records, rows)[0])

        return ask


def shadow_records(
    questions: Questions, folder: RunFolder, progress: Progress
) -> tuple[Made, Entry]:
    """The records that the plan makes for shadows, and the stored object they are."""
    key = _key(questions)
    folder.refer([key])
    entry = folder.find(key)
    if entry is None or not folder.store.is_sound(entry):
        source, count = questions.config.shadows.data.source, questions.plan.made
        started = time.perf_counter()
        with progress.stage("shadow records", count) as report:
            made = _make(questions, report)
        seconds = time.perf_counter() - started
        content = as_npz({name: getattr(made, name) for name in ARRAYS})
        entry = folder.store.put(key, "records", source, content, seconds)
        folder.log(
            "shadow records",
            source=source,
            records=count,
            queries=int(made.queries.sum()),
            seconds=round(seconds, 3),
        )
    folder.link(entry, SHADOW_RECORDS)
    with opened(folder.store.file(entry)) as archive:
        headers = archive.headers(ARRAYS)
        return Made(*(archive.read(name, headers[name]) for name in ARRAYS)), entry


def _key(questions: Questions) -> str:
    plan, settings = questions.plan, questions.config.shadows.data
    own = settings.own()
    asks = settings.source == "synthesis" or (
        settings.source == "marginals" and not own["per_class"]
    )
    return key_of(
        {
            "schema": CODE_SCHEMA,
            "shadow records": settings.source,
            "settings": own,
            "records": plan.made,
            "data": questions.dataset.digest(),
            "pool": array_digest(plan.split.pool),
            "target": questions.target.entry.key if asks else None,
            "seed": plan.seed,
        }
    )


def _make(questions: Questions, report: Advance) -> Made:
    plan, dataset, settings = questions.plan, questions.dataset, questions.config.shadows.data
    own, pool = settings.own(), plan.split.pool
    rng = generator(plan.seed, "shadows", settings.source)
    if settings.source == "synthesis":
        ranges = find_ranges(dataset.features[pool])
        return synthesise(
            questions.ask(), ranges, dataset.classes, plan.made, Climb(**own), plan.seed, report
        )
    if settings.source == "noisy":
        features = dataset.features[pool]
        ranges = find_ranges(features)
        made = add_noise(features, dataset.labels[pool], ranges, plan.made, own["noise"], rng)
    else:
        known = np.sort(rng.choice(pool, own["estimated_on"] or len(pool), replace=False))
        features = dataset.features[known]
        if own["per_class"]:
            labels = dataset.labels[known]
            made = draw_class_marginals(features, labels, dataset.classes, plan.made, rng)
        else:
            made = draw_marginals(features, plan.made, questions.ask(), rng)
    report(plan.made)
    return made
