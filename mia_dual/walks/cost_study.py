"""The walk of a study of what deletion costs: count plans of many requests, and serve some.

What is counted follows from plans alone. What is measured is trained: the groups, then the first
requests of each seed's first order and one request a share, each in a call of its own as a request
would be; then, in one call, what else is in force after all requests of that order.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Callable, Optional

from mia_dual.answers import ask
from mia_dual.config import Config
from mia_dual.cost_settings import CostSettings
from mia_dual.data.dataset import Dataset
from mia_dual.deletion import expected_cost
from mia_dual.deletion.expected_cost import Passes
from mia_dual.deletion.ledger import Entry, make_entry
from mia_dual.deletion.versions import version_logits
from mia_dual.engine import Engine
from mia_dual.errors import ConfigError, DataError
from mia_dual.interface import Capability
from mia_dual.plan.draft import TARGET, plan_dataset
from mia_dual.plan.groups import slice_epochs
from mia_dual.plan.plan import Plan
from mia_dual.progress import Progress, Silent
from mia_dual.report.cost import (
    CostResults,
    Mean,
    RequestCost,
    TrainingCost,
    cost_finding,
    mean_of,
)
from mia_dual.report.cost_figure import draw_cost
from mia_dual.report.cost_table import as_csv
from mia_dual.seeds import generator
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.study_settings import CostStudy, StudyRun
from mia_dual.training.family import Family
from mia_dual.training.planned import plan_families, planned_member
from mia_dual.training.trainer import Trained, Trainer
from mia_dual.training.work import Work, own_seconds, total_work

FULL, GROUPED = "full", "grouped"


@dataclass(frozen=True)
class _Series:
    """Requests one after the other: ``records`` of each, and after how many of them costs are told,
    by name. ``share``: of the members, where it is one request of that many.
    """

    records: tuple[tuple[int, ...], ...]
    told: Mapping[str, int]
    share: Optional[float] = None

    def ledger(self) -> list[Entry]:
        """As a run would have written them down."""
        entries: list[Entry] = []
        for records in self.records:
            entries.append(make_entry(entries, "study", records, {}, {}))
        return entries


@dataclass
class _Served:
    """What serving a request came to in one seed: ``work`` by method, an order each; ``seconds``
    and ``accuracy`` by method, of the first order.
    """

    requests: int
    deleted: int
    share: Optional[float]
    work: dict[str, list[Work]] = field(default_factory=lambda: {FULL: [], GROUPED: []})
    seconds: dict[str, float] = field(default_factory=dict)
    accuracy: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class _Trained:
    """What training a target as one model, or in groups, came to in one seed."""

    work: Work
    seconds: float
    bytes: int
    accuracy: float


@dataclass(frozen=True)
class _Run:
    """One number of groups and slices with one seed: all that was counted and measured."""

    run: StudyRun
    passes: Passes
    single: _Trained
    groups: _Trained
    served: Mapping[str, _Served]


def run_cost_study(
    study: CostStudy,
    engine_of: Callable[[Config], Engine],
    dataset_of: Callable[[Config], Dataset],
    path: Path,
    store: Store,
    progress: Progress,
) -> CostResults:
    """Run ``study`` into the folder ``path``, or go on with it; all models are the ``store``'s.

    ``engine_of`` and ``dataset_of`` give what a run's config asks for. Raises DataError or
    ConfigError, naming the value, where a run cannot be, and ConfigError where the backend fits
    models at once: they have no steps to count.
    """
    first = study.runs[0].config
    engine, dataset = engine_of(first), dataset_of(first)
    if Capability.STEPS not in engine.capabilities:
        raise ConfigError(
            f"study.kind: cost counts steps, and backend '{engine.name}' fits models at once: name "
            "one that trains step by step"
        )
    for run in study.runs:
        _plan(run, dataset, _orders(study.settings, run, dataset)[0][0])
    with RunFolder(path, study, store) as folder:
        engine.recall(folder.read_json("environment.json"))
        folder.write_json("environment.json", engine.record())
        runs = []
        with progress.stage("groups and slices", len(study.runs)) as report:
            for run in study.runs:
                runs.append(_Cost(study.settings, run, engine, dataset, folder).found())
                report(1)
        found = _gather(study, runs, engine, dataset)
        folder.write_json("study.json", found.model_dump(mode="json"))
        folder.write("study.csv", as_csv(found).encode())
        for name, content in draw_cost(found).items():
            folder.write(name, content)
        folder.log("done", calls=engine.train_calls)
    return found


def _plan(run: StudyRun, dataset: Dataset, series: _Series) -> Plan:
    try:
        return plan_dataset(run.config, dataset, series.ledger())[1]
    except (ConfigError, DataError) as error:
        raise type(error)(f"study value {run.variation.written()}: {error}") from error


def _orders(settings: CostSettings, run: StudyRun, dataset: Dataset) -> list[list[_Series]]:
    """An order of requests after the other: single ones, then a series each share.

    They depend on the seed alone, so that all groups and slices serve the same requests.
    """
    members = _plan(run, dataset, _Series((), {})).split.target.members
    most = max(settings.single)
    largest = max([most, *(round(share * len(members)) for share in settings.shares)])
    if largest >= len(members):
        raise ConfigError(
            f"study: {largest} of {len(members)} members would be deleted: lower study.single or "
            "study.shares, or raise split.target_members"
        )
    orders = []
    for number in range(settings.orders):
        rng = generator(run.config.seed, "study", "cost", str(number))
        chosen = rng.choice(members, most, replace=False).tolist()
        told = {f"{count} single": count for count in sorted(settings.single)}
        series = [_Series(tuple((record,) for record in chosen), told)]
        for share in settings.shares:
            count = max(round(share * len(members)), 1)
            records = rng.choice(members, count, replace=False).tolist()
            series.append(_Series((tuple(sorted(records)),), {f"{100 * share:g}%": 1}, share))
        orders.append(series)
    return orders


class _Cost:
    """One run of the study at work."""

    def __init__(
        self,
        settings: CostSettings,
        run: StudyRun,
        engine: Engine,
        dataset: Dataset,
        folder: RunFolder,
    ) -> None:
        self._settings, self._run, self._dataset, self._folder = settings, run, dataset, folder
        self._trainer = Trainer(engine, folder, Silent())
        self._seed = run.config.seed
        self._labels = dataset.labels

    def found(self) -> _Run:
        """Count, train, ask."""
        orders = _orders(self._settings, self._run, self._dataset)
        served: dict[str, _Served] = {}
        for number, order in enumerate(orders):
            for series in order:
                plan = _plan(self._run, self._dataset, series)
                family = plan_families(plan, self._run.config, self._dataset)[TARGET]
                self._count(plan, family, series, served)
                if number == 0:
                    self._serve(plan, family, series, served)
        # The first series holds the whole of both trainings.
        plan = _plan(self._run, self._dataset, orders[0][0])
        family = plan_families(plan, self._run.config, self._dataset)[TARGET]
        config = self._run.config
        epochs = config.target.epochs
        if config.deletion.slices > 1:
            epochs = slice_epochs(epochs, config.deletion.slices)
        sizes = [[len(part) for part in group.slices] for group in plan.groups]
        return _Run(
            self._run,
            Passes.of(sizes, epochs),
            self._trained(plan, family, "original"),
            self._trained(plan, family, "groups"),
            served,
        )

    def _count(
        self, plan: Plan, family: Family, series: _Series, served: dict[str, _Served]
    ) -> None:
        for name, count in series.told.items():
            deleted = sum(map(len, series.records[:count]))
            entry = served.setdefault(name, _Served(count, deleted, series.share))
            for method in (FULL, GROUPED):
                models = [plan.models[one] for one in _retrained(plan, method, count)]
                entry.work[method].append(total_work(models, family, self._seed))

    def _serve(
        self, plan: Plan, family: Family, series: _Series, served: dict[str, _Served]
    ) -> None:
        """Carry out ``series``: some requests alone, then all that is in force where it is told."""
        timed = self._settings.timed if series.share is None else 1
        for version in ("original", "groups"):
            self._train(plan, family, plan.versions[version].models)
        for method in (FULL, GROUPED):
            seconds = [
                self._seconds(plan, family, plan.versions[f"{method}-request-{number}"].retrained)
                for number in range(1, min(timed, len(series.records)) + 1)
            ]
            in_force = [
                plan.versions[f"{method}-request-{count}"].models for count in series.told.values()
            ]
            wanted = dict.fromkeys(model for models in in_force for model in models)
            self._train(plan, family, list(wanted))
            for name, count in series.told.items():
                if count <= len(seconds):
                    served[name].seconds[method] = sum(seconds[:count])
                served[name].accuracy[method] = self._accuracy(
                    plan, family, f"{method}-request-{count}"
                )

    def _trained(self, plan: Plan, family: Family, version: str) -> _Trained:
        names = plan.versions[version].models
        found = self._train(plan, family, names)
        entries = [model.entry for model in found.values()]
        kept = [entry for model in found.values() for pair in model.passed for entry in pair]
        return _Trained(
            total_work([plan.models[name] for name in names], family, self._seed),
            sum(entry.seconds for entry in entries),
            sum(entry.bytes for entry in (*entries, *kept)),
            self._accuracy(plan, family, version),
        )

    def _train(self, plan: Plan, family: Family, names: Sequence[str]) -> dict[str, Trained]:
        """All of ``names`` in one call, but for those that the store holds."""
        members = {
            name: planned_member(plan.models[name], family.settings.epochs, self._seed)
            for name in names
        }
        return self._trainer.train("models", family, members) if members else {}

    def _seconds(self, plan: Plan, family: Family, names: Sequence[str]) -> float:
        trained = self._train(plan, family, names)
        return sum(own_seconds(plan.models[name], model) for name, model in trained.items())

    def _accuracy(self, plan: Plan, family: Family, version: str) -> float:
        found = plan.versions[version]
        rows = plan.split.target.non_members
        models = self._train(plan, family, found.models)
        # Models of all runs are called alike, and their answers lie in one folder.
        here = {f"{self._run.folder}-{name}": model for name, model in models.items()}
        asked = dict.fromkeys(here, rows)
        answers = ask(self._trainer, self._folder, family, here, asked, Silent())
        said = version_logits(replace(found, models=tuple(here)), answers, rows).argmax(axis=-1)
        return float((said == self._labels[rows]).mean())


def _retrained(plan: Plan, method: str, requests: int) -> list[str]:
    """The models trained for the first ``requests`` of a ledger."""
    return [
        name
        for number in range(1, requests + 1)
        for name in plan.versions[f"{method}-request-{number}"].retrained
    ]


def _gather(
    study: CostStudy, runs: Sequence[_Run], engine: Engine, dataset: Dataset
) -> CostResults:
    by_setting: dict[str, list[_Run]] = {}
    for found in runs:
        by_setting.setdefault(found.run.variation.name, []).append(found)
    trainings = [_training(of_seeds) for of_seeds in by_setting.values()]
    requests = [
        _request(name, of_seeds) for of_seeds in by_setting.values() for name in of_seeds[0].served
    ]
    of_seeds = next(iter(by_setting.values()))
    config, single = study.runs[0].config, of_seeds[0].single
    accuracy = mean_of([found.single.accuracy for found in of_seeds])
    return CostResults(
        name=study.name,
        backend=engine.name,
        data=config.data.name,
        network=config.target.network,
        members=of_seeds[0].passes.members,
        epochs=config.target.epochs,
        batch_size=config.target.batch_size,
        seeds=list(study.settings.seeds),
        orders=study.settings.orders,
        single_steps=single.work.steps,
        single_seconds=mean_of([found.single.seconds for found in of_seeds]),
        single_accuracy=accuracy,
        trainings=trainings,
        requests=requests,
        finding=cost_finding(trainings, requests, accuracy),
    )


def _training(of_seeds: Sequence[_Run]) -> TrainingCost:
    deletion = of_seeds[0].run.config.deletion
    work, whole = of_seeds[0].groups.work, of_seeds[0].single.work
    return TrainingCost(
        groups=deletion.groups,
        slices=deletion.slices,
        models=work.models,
        steps=work.steps,
        steps_share=work.steps / whole.steps,
        records=work.records,
        records_share=work.records / whole.records,
        seconds=mean_of([found.groups.seconds for found in of_seeds]),
        seconds_share=mean_of([found.groups.seconds / found.single.seconds for found in of_seeds]),
        bytes=mean_of([found.groups.bytes for found in of_seeds]),
        accuracy=mean_of([found.groups.accuracy for found in of_seeds]),
    )


def _request(name: str, of_seeds: Sequence[_Run]) -> RequestCost:
    config = of_seeds[0].run.config
    served = [found.served[name] for found in of_seeds]
    pairs = [pair for one in served for pair in zip(one.work[GROUPED], one.work[FULL])]
    full = served[0].work[FULL][0]
    expected, published = _expected(of_seeds[0], served[0], config.target.epochs)
    timed = [one.seconds for one in served if one.seconds]
    return RequestCost(
        groups=config.deletion.groups,
        slices=config.deletion.slices,
        request=name,
        requests=served[0].requests,
        deleted=served[0].deleted,
        share=served[0].share,
        models=mean_of([grouped.models for grouped, _ in pairs]),
        steps=mean_of([grouped.steps for grouped, _ in pairs]),
        full_steps=full.steps,
        steps_share=mean_of([grouped.steps / whole.steps for grouped, whole in pairs]),
        records=mean_of([grouped.records for grouped, _ in pairs]),
        full_records=full.records,
        records_share=mean_of([grouped.records / whole.records for grouped, whole in pairs]),
        expected_share=expected,
        published_share=published,
        seconds=_mean([one[GROUPED] for one in timed]),
        full_seconds=_mean([one[FULL] for one in timed]),
        seconds_share=_mean([one[GROUPED] / one[FULL] for one in timed]),
        accuracy=mean_of([one.accuracy[GROUPED] for one in served]),
        full_accuracy=mean_of([one.accuracy[FULL] for one in served]),
    )


def _expected(found: _Run, served: _Served, epochs: int) -> tuple[float, Optional[float]]:
    """Shares of the records of full retraining: exact, and as published."""
    passes, deletion = found.passes, found.run.config.deletion
    whole = Passes((passes.members,), epochs, passes.members)
    sizes = passes.members, deletion.groups
    if served.share is None:
        exact = expected_cost.one_by_one(passes, served.requests)
        full = expected_cost.one_by_one(whole, served.requests)
        published = expected_cost.published_one_by_one(*sizes, served.requests)
        of_slices = expected_cost.published_slices(deletion.slices)
        return exact / full, epochs * published * of_slices / full
    exact = expected_cost.at_once(passes, served.deleted)
    full = expected_cost.at_once(whole, served.deleted)
    if deletion.slices > 1:
        return exact / full, None
    return exact / full, epochs * expected_cost.published_at_once(*sizes, served.deleted) / full


def _mean(values: Sequence[float]) -> Optional[Mean]:
    return mean_of(values) if values else None
