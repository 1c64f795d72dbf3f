"""``mia-dual study``: one setting varies, all others stay; what becomes of the leak."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, List, Optional  # noqa: UP035  (Typer reads these on Python 3.9)

import typer

from mia_dual.cli.options import Device, Together, parse_memory

if TYPE_CHECKING:
    from mia_dual.config import Config, DataSettings
    from mia_dual.data.dataset import Dataset
    from mia_dual.engine import Engine


def study(
    name: str = typer.Argument(
        help="One of configs/studies, as overfitting, or a YAML file: a config with a key study.",
    ),
    backend: Optional[str] = typer.Option(None, help="torch, mindspore, or another installed."),
    device: Optional[Device] = typer.Option(None, help="Where to compute.", case_sensitive=False),
    assignments: List[str] = typer.Option(  # noqa: UP006
        [], "--set", metavar="KEY=VALUE", help="One setting, as in study.seeds=[0,1]; repeatable."
    ),
    data_dir: Optional[Path] = typer.Option(
        None, help="Where data sets lie or are downloaded to; else $MIA_DUAL_DATA or the cache."
    ),
    out: Optional[Path] = typer.Option(
        None, help="The study's folder; else runs/<study>-<backend>. The same study goes on there."
    ),
    store: Optional[Path] = typer.Option(
        None,
        help="Where models and answers are kept for all runs; else $MIA_DUAL_STORE, or the folder "
        "'store' beside the study's.",
    ),
    together: Together = typer.Option(
        Together.auto, help="Train models together: where it is faster, wherever it can, or never."
    ),
    memory: Optional[str] = typer.Option(
        None,
        metavar="SIZE",
        help="What models in training may take, as 4GB; else half of what is free.",
    ),
    workers: Optional[int] = typer.Option(
        None, min=1, help="Threads or processes that train side by side; else as pays."
    ),
) -> None:
    """Vary one setting over several seeds; write a table, a CSV, a figure and what was found."""
    from rich.console import Console

    from mia_dual.cli.progress import RichProgress
    from mia_dual.data.load import dataset_of
    from mia_dual.engine import Engine
    from mia_dual.execution import Execution
    from mia_dual.report.study_table import print_study
    from mia_dual.store.objects import Store, store_folder
    from mia_dual.study_settings import load_study
    from mia_dual.walks.study import run_study

    chosen = load_study(
        name, assignments, {"backend": backend, "device": device.value if device else None}
    )
    first = chosen.runs[0].config
    path = out or Path("runs") / f"{chosen.name}-{first.backend}"
    execution = Execution(
        together.value, parse_memory(memory) if memory is not None else None, workers
    )
    console = Console()
    progress = RichProgress(console)
    engines: dict[tuple[str, str], Engine] = {}
    datasets: dict[DataSettings, Dataset] = {}

    def engine_of(config: Config) -> Engine:
        key = (config.backend, config.device)
        if key not in engines:
            engines[key] = Engine(*key, execution)
        return engines[key]

    def loaded(config: Config) -> Dataset:
        if config.data not in datasets:
            datasets[config.data] = dataset_of(config, data_dir=data_dir, progress=progress)
        return datasets[config.data]

    objects = Store(store_folder(store, path.parent))
    outcome = run_study(chosen, engine_of, loaded, path, objects, progress)
    print_study(outcome.results, console)
    console.print(
        f"{len(chosen.runs)} runs; calls to train: {outcome.calls_together} for the models of "
        f"all, {outcome.calls_of_runs} by runs for attack models of their own; {path} holds the "
        "runs, study.csv, study.json, study.png and study.svg",
        highlight=False,
    )
    if objects.damaged:
        console.print(f"damaged in the store, and made again: {', '.join(objects.damaged)}")
