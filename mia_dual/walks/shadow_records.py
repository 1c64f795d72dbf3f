"""Records made for shadows: from what a source allows, asked of the target, stored by content.

``shadow_records.npz`` holds ``features`` (records, *shape) as the data set has them, ``labels``
(records,) int64 and ``queries`` (records,) int64, how often the target was asked for each.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
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
from mia_dual.synthesis.made import Ask, Made, even_labels
from mia_dual.synthesis.marginals import draw_class_marginals, draw_marginals
from mia_dual.synthesis.noisy import add_noise
from mia_dual.synthesis.ranges import find_ranges
from mia_dual.training.planned import plan_scaling
from mia_dual.training.trainer import Trained, Trainer

ARRAYS = ("features", "labels", "queries")

PART = 1024
"""Records found by climbs before they are stored: a kill costs no more than those."""


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
        entry = _store(questions, folder, key, progress)
    folder.link(entry, SHADOW_RECORDS)
    return _read(folder, entry), entry


def _store(questions: Questions, folder: RunFolder, key: str, progress: Progress) -> Entry:
    source, count = questions.config.shadows.data.source, questions.plan.made
    parts = _parts(key, count) if source == "synthesis" else {}
    folder.refer(parts)
    started = time.perf_counter()
    with progress.stage("shadow records", count) as report:
        if parts:
            made, earlier = _synthesise(questions, folder, parts, report)
        else:
            made, earlier = _make(questions), 0.0
            report(count)
    seconds = time.perf_counter() - started + earlier
    entry = folder.store.put(key, "records", source, _content(made), seconds)
    for part in parts:
        folder.store.remove(part)
    queries = int(made.queries.sum())
    folder.log("shadow records", records=count, queries=queries, seconds=round(seconds, 3))
    return entry


def _parts(key: str, records: int) -> dict[str, range]:
    """The parts in which the records of ``key`` are found, each under the key it is stored by."""
    parts = [range(first, min(first + PART, records)) for first in range(0, records, PART)]
    return {
        key_of({"part of": key, "first": part.start, "records": len(part)}): part for part in parts
    }


def _read(folder: RunFolder, entry: Entry) -> Made:
    with opened(folder.store.file(entry)) as archive:
        headers = archive.headers(ARRAYS)
        return Made(*(archive.read(name, headers[name]) for name in ARRAYS))


def _content(made: Made) -> bytes:
    return as_npz({name: getattr(made, name) for name in ARRAYS})


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


def _make(questions: Questions) -> Made:
    plan, dataset, settings = questions.plan, questions.dataset, questions.config.shadows.data
    own, pool = settings.own(), plan.split.pool
    rng = generator(plan.seed, "shadows", settings.source)
    if settings.source == "noisy":
        features, labels = dataset.features[pool], dataset.labels[pool]
        return add_noise(features, labels, find_ranges(features), plan.made, own["noise"], rng)
    known = np.sort(rng.choice(pool, own["estimated_on"] or len(pool), replace=False))
    features, labels = dataset.features[known], dataset.labels[known]
    if own["per_class"]:
        return draw_class_marginals(features, labels, dataset.classes, plan.made, rng)
    return draw_marginals(features, plan.made, questions.ask(), rng)


def _synthesise(
    questions: Questions, folder: RunFolder, parts: Mapping[str, range], report: Advance
) -> tuple[Made, float]:
    """The records of all ``parts``, and the seconds that those found earlier took."""
    plan, dataset = questions.plan, questions.dataset
    climb = Climb(**questions.config.shadows.data.own())
    ranges = find_ranges(dataset.features[plan.split.pool])
    labels = even_labels(plan.made, dataset.classes)
    ask = questions.ask()
    found, earlier = [], 0.0
    for key, part in parts.items():
        entry = folder.find(key)
        if entry is not None and folder.store.is_sound(entry):
            found.append(_read(folder, entry))
            earlier += entry.seconds
            report(len(part))
            continue
        started = time.perf_counter()
        found.append(synthesise(ask, ranges, labels, part, climb, plan.seed, report))
        seconds, name = time.perf_counter() - started, f"from {part.start}"
        content = _content(found[-1])
        folder.store.put(key, "records", name, content, seconds, passing=True)
    joined = (np.concatenate([getattr(made, name) for made in found]) for name in ARRAYS)
    return Made(*joined), earlier
