"""The walk of a study: draft every plan, train all their models together, walk each plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from mia_dual.config import Config
from mia_dual.data.dataset import Dataset
from mia_dual.engine import Engine
from mia_dual.errors import ConfigError, DataError
from mia_dual.plan.draft import TARGET, plan_dataset
from mia_dual.progress import Progress, Silent
from mia_dual.report.sentence import finding
from mia_dual.report.study import StudyResults, gather
from mia_dual.report.study_figure import draw_study
from mia_dual.report.study_table import as_csv
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.study_settings import Study
from mia_dual.training.family import Family, Member
from mia_dual.training.planned import plan_families, plan_members
from mia_dual.training.stages import Stage, lacking, release, target_stages
from mia_dual.training.trainer import Trainer
from mia_dual.walks.run import run_audit


@dataclass(frozen=True)
class Outcome:
    """What a study found, and how often its engines were asked to train: for the models that are
    planned, of all runs together, and by each run for what it has of its own (attack models).
    """

    results: StudyResults
    calls_together: int
    calls_of_runs: int


@dataclass
class _Batch:
    """Models of several plans that an engine trains in one call, and stages of their targets'
    trainings.
    """

    engine: Engine
    family: Family
    members: dict[str, Member] = field(default_factory=dict)
    stages: dict[str, Stage] = field(default_factory=dict)


def run_study(
    study: Study,
    engine_of: Callable[[Config], Engine],
    dataset_of: Callable[[Config], Dataset],
    path: Path,
    store: Store,
    progress: Progress,
) -> Outcome:
    """Run ``study`` into the folder ``path``, a run folder each in it, or go on with it.

    ``engine_of`` and ``dataset_of`` give what a run's config asks for, the same one for the same
    settings. Models of all runs that are trained alike are trained in one call, and of those that
    differ in epochs alone only the longest. Raises DataError or ConfigError, naming the value,
    before anything is trained where a run cannot be.
    """
    batches = _batches(study, engine_of, dataset_of)
    engines = list({id(batch.engine): batch.engine for batch in batches}.values())
    with RunFolder(path, study, store) as folder:
        records = folder.read_json("environment.json")
        for engine in engines:
            for record in records if isinstance(records, list) else []:
                engine.recall(record)
        folder.write_json("environment.json", [engine.record() for engine in engines])
        before = sum(engine.train_calls for engine in engines)
        for place, batch in enumerate(batches, start=1):
            trainer = Trainer(batch.engine, folder, progress)
            passed = {name: stage.member for name, stage in lacking(batch.stages, folder).items()}
            title = f"models, call {place} of {len(batches)}"
            trainer.train(title, batch.family, {**batch.members, **passed})
        together = sum(engine.train_calls for engine in engines) - before
        results = []
        with progress.stage("runs", len(study.runs)) as report:
            for run in study.runs:
                with RunFolder(path / run.folder, run.config, store) as run_folder:
                    dataset = dataset_of(run.config)
                    engine = engine_of(run.config)
                    results.append(run_audit(run.config, engine, dataset, run_folder, Silent()))
                report(1)
        for batch in batches:
            release(batch.stages, folder)
        found = gather(study, results)
        found = found.model_copy(update={"finding": finding(found)})
        folder.write_json("study.json", found.model_dump(mode="json"))
        folder.write("study.csv", as_csv(found).encode())
        for name, content in draw_study(found).items():
            folder.write(name, content)
        calls = sum(engine.train_calls for engine in engines) - before
        outcome = Outcome(found, together, calls - together)
        folder.log("done", calls_together=together, calls_of_runs=calls - together)
    return outcome


def _batches(
    study: Study, engine_of: Callable[[Config], Engine], dataset_of: Callable[[Config], Dataset]
) -> list[_Batch]:
    """The models of every plan, those together that a backend can train in one call."""
    batches: dict[tuple[object, ...], _Batch] = {}
    for run in study.runs:
        engine = engine_of(run.config)
        try:
            dataset, plan = plan_dataset(run.config, dataset_of(run.config))
            families = plan_families(plan, run.config, dataset)
        except (ConfigError, DataError) as error:
            raise type(error)(f"study value {run.variation.written()}: {error}") from error
        for recipe, family in families.items():
            alike = family.settings.model_dump_json(exclude={"epochs", "curve"})
            key = (id(engine), family.spec, family.digest, alike)
            batch = batches.setdefault(key, _Batch(engine, family))
            for name, member in plan_members(plan, recipe).items():
                batch.members[f"{run.folder}/{name}"] = member
            if recipe == TARGET:
                for name, stage in target_stages(plan, run.config, family, engine).items():
                    batch.stages[f"{run.folder}/{name}"] = stage
    return list(batches.values())
