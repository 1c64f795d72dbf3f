"""``mia-dual run``: the audit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, List, Optional  # noqa: UP035  (Typer reads these on Python 3.9)

import typer

from mia_dual.cli.options import (
    ADOPT,
    DATA_DIR,
    DEVICE,
    ENGINE,
    FULL,
    GPUS,
    JSON,
    LANG,
    MEMORY,
    PAGE,
    QUIET,
    RAY_ADDRESS,
    RECORDS,
    RESOURCES,
    STORE,
    TOGETHER,
    TRACK,
    WORKERS,
    EngineName,
    Together,
    cluster_of,
    execution_of,
)

if TYPE_CHECKING:
    from mia_dual.cli.telling import Telling
    from mia_dual.config import Config
    from mia_dual.data.dataset import Dataset
    from mia_dual.engine import Engine


def run(
    context: typer.Context,
    config: Optional[Path] = typer.Option(
        None, "--config", "-c", help="YAML settings; without it, the defaults on digits."
    ),
    backend: List[str] = typer.Option(  # noqa: UP006
        [],
        help="torch, mindspore, or another installed; repeatable: each runs into its own folder, "
        "and they are compared.",
    ),
    device: Optional[str] = DEVICE,
    seed: Optional[int] = typer.Option(None, min=0, help="Draws everything that is random."),
    assignments: List[str] = typer.Option(  # noqa: UP006
        [], "--set", metavar="KEY=VALUE", help="One setting, as in target.epochs=5; repeatable."
    ),
    data_dir: Optional[Path] = DATA_DIR,
    out: Optional[Path] = typer.Option(
        None,
        help="The run folder; else runs/<config>-<backend>. A run of the same config goes on. With "
        "several backends, <out>-<backend> each, and <out>-comparison.json and .html.",
    ),
    store: Optional[Path] = STORE,
    adopt: bool = ADOPT,
    dry_run: bool = typer.Option(
        False, "--dry-run", help="Print what would be trained and what it takes, and stop."
    ),
    together: Together = TOGETHER,
    memory: Optional[str] = MEMORY,
    workers: Optional[int] = WORKERS,
    engine_name: EngineName = ENGINE,
    ray_address: Optional[str] = RAY_ADDRESS,
    gpus: float = GPUS,
    resources: List[str] = RESOURCES,  # noqa: UP006
    page: bool = PAGE,
    lang: str = LANG,
    records: bool = RECORDS,
    trackers: List[str] = TRACK,  # noqa: UP006
    full: bool = FULL,
    quiet: bool = QUIET,
    as_json: bool = JSON,
) -> None:
    """Train target and shadows, attack, delete, retrain, attack again; write a run folder."""
    from mia_dual.cli.damage import tell_damage, tell_offered, tell_replaced
    from mia_dual.cli.paging import Paging
    from mia_dual.cli.several import arguments_of, run_several
    from mia_dual.cli.telling import Telling
    from mia_dual.cli.tracking import tell_trackers
    from mia_dual.config import load_config
    from mia_dual.data.load import dataset_of
    from mia_dual.engine import Engine
    from mia_dual.report.tables import print_results, rest_of
    from mia_dual.store.folder import REPORT, RunFolder
    from mia_dual.store.objects import Store, store_folder
    from mia_dual.tracking.places import places_of
    from mia_dual.tracking.record import run_record
    from mia_dual.walks.run import run_audit

    def configured(name: Optional[str]) -> tuple[Config, Engine]:
        options = {"backend": name, "device": device, "seed": seed}
        settings = load_config(config, assignments, options)
        return settings, Engine(settings.backend, settings.device, execution, cluster)

    telling = Telling(quiet, as_json)
    execution = execution_of(together, memory, workers)
    cluster = cluster_of(engine_name, ray_address, gpus, resources)
    paging = Paging(page, lang, records)
    places = places_of(trackers)
    named = out or Path("runs") / (config.stem if config else "default")
    if len(backend) > 1:
        engines = [configured(name)[1] for name in backend]
        given = arguments_of(context, but=("backend", "out", "as_json"))
        run_several(engines, named, given, dry_run, data_dir, paging, telling)
        return
    settings, engine = configured(backend[0] if backend else None)
    path = out or named.with_name(f"{named.name}-{settings.backend}")
    objects = store_folder(store, path.parent)
    progress = telling.progress

    def dataset() -> Dataset:
        return dataset_of(settings, data_dir=data_dir, progress=progress)

    if dry_run:
        _tell_plan(settings, engine, dataset(), objects, telling)
        return
    run_folder = RunFolder(path, settings, Store(objects), adopt=adopt)
    with run_folder as folder, engine, telling.working():
        tell_offered(folder)
        data = dataset()
        results = run_audit(settings, engine, data, folder, progress)
    print_results(results, telling.console, full)
    if full:
        telling.say_memory()
    tell_damage(folder.store)
    tell_replaced(folder)
    written = paging.of_runs([path], path / REPORT, telling, dataset=data)
    telling.end(rest_of(path, full, written), lambda: results)
    tell_trackers(places, lambda: [run_record(path)], telling.console)


def _tell_plan(
    settings: Config, engine: Engine, dataset: Dataset, objects: Path, telling: Telling
) -> None:
    from dataclasses import asdict

    from mia_dual.measure.forecast import forecast
    from mia_dual.plan.draft import SYNTHETIC, TARGET, plan_dataset
    from mia_dual.report.plan_table import expected_line, print_plan
    from mia_dual.store.objects import Store
    from mia_dual.training.jobs import built_weights
    from mia_dual.training.planned import blank_family, plan_families
    from mia_dual.training.stages import target_stages
    from mia_dual.training.weights import drawn_names
    from mia_dual.walks.approximations import check_treatable, outlined_members

    dataset, plan = plan_dataset(settings, dataset)
    families = plan_families(plan, settings, dataset)
    if plan.made:
        families[SYNTHETIC] = blank_family(plan, settings, dataset)
    check_treatable(plan, settings, families[TARGET], engine)
    treated = outlined_members(plan, settings, dataset.labels, families[TARGET])
    # A plan changes nothing, so a store that is not there yet is not made for it.
    held = Store(objects) if objects.is_dir() else None
    stages = target_stages(plan, settings, families[TARGET], engine)
    expected = forecast(plan, families, engine, held, treated, stages)
    weights = built_weights(families[TARGET], engine.backend, seed=0)
    drawn = drawn_names(weights)
    print_plan(plan, expected, drawn, sorted(weights.keys() - set(drawn)), telling.console)
    telling.end(expected_line(expected), lambda: asdict(expected))
