"""``mia-dual run``: the audit."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional  # noqa: UP035  (Typer reads these on Python 3.9)

import typer
from rich.console import Console

from mia_dual.cli.options import Device, Together, parse_memory


def run(
    config: Optional[Path] = typer.Option(
        None, "--config", "-c", help="YAML settings; without it, the defaults on digits."
    ),
    backend: Optional[str] = typer.Option(None, help="torch, mindspore, or another installed."),
    device: Optional[Device] = typer.Option(None, help="Where to compute.", case_sensitive=False),
    seed: Optional[int] = typer.Option(None, min=0, help="Draws everything that is random."),
    assignments: List[str] = typer.Option(  # noqa: UP006
        [], "--set", metavar="KEY=VALUE", help="One setting, as in target.epochs=5; repeatable."
    ),
    data_dir: Optional[Path] = typer.Option(
        None, help="Where data sets lie or are downloaded to; else $MIA_DUAL_DATA or the cache."
    ),
    out: Optional[Path] = typer.Option(
        None, help="The run folder; else runs/<config>-<backend>. A run of the same config goes on."
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
    """Train target and shadows, attack, delete, retrain, attack again; write a run folder."""
    from mia_dual.cli.progress import RichProgress
    from mia_dual.config import load_config
    from mia_dual.data.load import load_dataset
    from mia_dual.execution import Execution
    from mia_dual.experiment import run_audit
    from mia_dual.registry import load_backend
    from mia_dual.report.tables import print_results
    from mia_dual.store.folder import RunFolder

    settings = load_config(
        config,
        assignments,
        {"backend": backend, "device": device.value if device else None, "seed": seed},
    )
    path = out or Path("runs") / f"{config.stem if config else 'default'}-{settings.backend}"
    console = Console()
    progress = RichProgress(console)
    execution = Execution(together.value, None if memory is None else parse_memory(memory), workers)
    engine = load_backend(settings.backend, settings.device, execution)
    with RunFolder(path, settings) as folder:
        dataset = load_dataset(
            settings.data.name,
            engine,
            data_dir=data_dir,
            file=settings.data.file,
            progress=progress,
        )
        results = run_audit(settings, engine, dataset, folder, progress)
    print_results(results, console)
    console.print(f"{path} holds the models, outputs, results.json and cost.json")
