"""``mia-dual study``: one setting varies, all others stay; what becomes of the leak, or what
deletion costs.
"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, List, Optional  # noqa: UP035  (Typer reads these on Python 3.9)

import typer

from mia_dual.cli.options import (
    DATA_DIR,
    DEVICE,
    ENGINE,
    GPUS,
    JSON,
    LANG,
    MEMORY,
    PAGE,
    QUIET,
    RAY_ADDRESS,
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
    from mia_dual.config import Config, DataSettings
    from mia_dual.data.dataset import Dataset
    from mia_dual.engine import Engine


def study(
    name: str = typer.Argument(
        help="One of configs/studies, as overfitting, or a YAML file: a config with a key study.",
    ),
    backend: Optional[str] = typer.Option(None, help="torch, mindspore, or another installed."),
    device: Optional[str] = DEVICE,
    assignments: List[str] = typer.Option(  # noqa: UP006
        [], "--set", metavar="KEY=VALUE", help="One setting, as in study.seeds=[0,1]; repeatable."
    ),
    data_dir: Optional[Path] = DATA_DIR,
    out: Optional[Path] = typer.Option(
        None, help="The study's folder; else runs/<study>-<backend>. The same study goes on there."
    ),
    store: Optional[Path] = STORE,
    together: Together = TOGETHER,
    memory: Optional[str] = MEMORY,
    workers: Optional[int] = WORKERS,
    engine_name: EngineName = ENGINE,
    ray_address: Optional[str] = RAY_ADDRESS,
    gpus: float = GPUS,
    resources: List[str] = RESOURCES,  # noqa: UP006
    page: bool = PAGE,
    lang: str = LANG,
    trackers: List[str] = TRACK,  # noqa: UP006
    quiet: bool = QUIET,
    as_json: bool = JSON,
) -> None:
    """Vary one setting over several seeds; write a table, a CSV, a figure and what was found."""
    from mia_dual.cli.damage import tell_damage
    from mia_dual.cli.paging import Paging
    from mia_dual.cli.telling import Telling
    from mia_dual.cli.tracking import tell_trackers
    from mia_dual.data.load import dataset_of
    from mia_dual.engine import Engine
    from mia_dual.report.cost_table import print_cost
    from mia_dual.report.study_table import print_study
    from mia_dual.store.objects import Store, store_folder
    from mia_dual.study_settings import CostStudy, load_study
    from mia_dual.tracking.places import places_of
    from mia_dual.tracking.record import study_records
    from mia_dual.walks.cost_study import run_cost_study
    from mia_dual.walks.study import run_study

    paging = Paging(page, lang, records=False)
    places = places_of(trackers)
    chosen = load_study(name, assignments, {"backend": backend, "device": device})
    first = chosen.runs[0].config
    path = out or Path("runs") / f"{chosen.name}-{first.backend}"
    execution = execution_of(together, memory, workers)
    cluster = cluster_of(engine_name, ray_address, gpus, resources)
    telling = Telling(quiet, as_json)
    progress = telling.progress
    engines: dict[tuple[str, str], Engine] = {}
    datasets: dict[DataSettings, Dataset] = {}

    def engine_of(config: Config) -> Engine:
        key = (config.backend, config.device)
        if key not in engines:
            engines[key] = closing.enter_context(Engine(*key, execution, cluster))
        return engines[key]

    def loaded(config: Config) -> Dataset:
        if config.data not in datasets:
            datasets[config.data] = dataset_of(config, data_dir=data_dir, progress=progress)
        return datasets[config.data]

    objects = Store(store_folder(store, path.parent))
    closing = ExitStack()
    if isinstance(chosen, CostStudy):
        with closing, telling.working():
            costs = run_cost_study(chosen, engine_of, loaded, path, objects, progress)
        print_cost(costs, telling.console)
        tell_damage(objects)
        shown = _shown(paging.of_study(path, telling))
        telling.end(
            f"{shown}{path} holds study.csv, study.json, study.png and study.svg", lambda: costs
        )
        tell_trackers(places, lambda: study_records(path, ()), telling.console)
        return
    with closing, telling.working():
        outcome = run_study(chosen, engine_of, loaded, path, objects, progress)
    print_study(outcome.results, telling.console)
    tell_damage(objects)
    shown = _shown(paging.of_study(path, telling))
    telling.end(
        f"{shown}{len(chosen.runs)} runs; calls to train: {outcome.calls_together} for the models "
        f"of all, {outcome.calls_of_runs} by runs for attack models of their own; {path} holds the "
        "runs, study.csv, study.json, study.png and study.svg",
        lambda: outcome.results,
    )
    runs = [run.folder for run in chosen.runs]
    tell_trackers(places, lambda: study_records(path, runs), telling.console)


def _shown(page: Optional[Path]) -> str:
    return "" if page is None else f"{page} shows it; "
