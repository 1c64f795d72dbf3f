"""``mia-dual run``: the audit."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, List, Optional  # noqa: UP035  (Typer reads these on Python 3.9)

import typer

from mia_dual.cli.options import (
    DATA_DIR,
    DEVICE,
    MEMORY,
    STORE,
    TOGETHER,
    WORKERS,
    Device,
    Together,
    execution_of,
)

if TYPE_CHECKING:
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
    device: Optional[Device] = DEVICE,
    seed: Optional[int] = typer.Option(None, min=0, help="Draws everything that is random."),
    assignments: List[str] = typer.Option(  # noqa: UP006
        [], "--set", metavar="KEY=VALUE", help="One setting, as in target.epochs=5; repeatable."
    ),
    data_dir: Optional[Path] = DATA_DIR,
    out: Optional[Path] = typer.Option(
        None,
        help="The run folder; else runs/<config>-<backend>. A run of the same config goes on. With "
        "several backends, <out>-<backend> each, and <out>-comparison.json.",
    ),
    store: Optional[Path] = STORE,
    dry_run: bool = typer.Option(
        False, "--dry-run", help="Print what would be trained and what it takes, and stop."
    ),
    together: Together = TOGETHER,
    memory: Optional[str] = MEMORY,
    workers: Optional[int] = WORKERS,
) -> None:
    """Train target and shadows, attack, delete, retrain, attack again; write a run folder."""
    from rich.console import Console

    from mia_dual.cli.damage import tell_damage
    from mia_dual.cli.progress import RichProgress
    from mia_dual.cli.several import arguments_of, run_several
    from mia_dual.config import load_config
    from mia_dual.data.load import dataset_of
    from mia_dual.engine import Engine
    from mia_dual.report.tables import print_results
    from mia_dual.store.folder import RunFolder
    from mia_dual.store.objects import Store, store_folder
    from mia_dual.walks.run import run_audit

    def configured(name: Optional[str]) -> tuple[Config, Engine]:
        options = {"backend": name, "device": device.value if device else None, "seed": seed}
        settings = load_config(config, assignments, options)
        return settings, Engine(settings.backend, settings.device, execution)

    execution = execution_of(together, memory, workers)
    named = out or Path("runs") / (config.stem if config else "default")
    if len(backend) > 1:
        engines = [configured(name)[1] for name in backend]
        run_several(engines, named, arguments_of(context, but=("backend", "out")), dry_run)
        return
    settings, engine = configured(backend[0] if backend else None)
    path = out or named.with_name(f"{named.name}-{settings.backend}")
    objects = store_folder(store, path.parent)
    console = Console()
    progress = RichProgress(console)

    def dataset() -> Dataset:
        return dataset_of(settings, data_dir=data_dir, progress=progress)

    if dry_run:
        _print_plan(settings, engine, dataset(), objects)
        return
    with RunFolder(path, settings, Store(objects)) as folder:
        results = run_audit(settings, engine, dataset(), folder, progress)
    print_results(results, console)
    tell_damage(folder.store, console)
    console.print(f"{path} holds the models, answers, results.json and cost.json")
    console.print(f"mia-dual report {path} makes a page of it", soft_wrap=True, markup=False)


def _print_plan(settings: Config, engine: Engine, dataset: Dataset, objects: Path) -> None:
    from mia_dual.measure.forecast import forecast
    from mia_dual.plan.draft import SYNTHETIC, TARGET, plan_dataset
    from mia_dual.report.plan_table import print_plan
    from mia_dual.store.objects import Store
    from mia_dual.training.jobs import built_weights
    from mia_dual.training.planned import blank_family, plan_families
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
    expected = forecast(plan, families, engine, held, treated)
    weights = built_weights(families[TARGET], engine.backend, seed=0)
    drawn = drawn_names(weights)
    print_plan(plan, expected, drawn, sorted(weights.keys() - set(drawn)))
