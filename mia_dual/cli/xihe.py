"""``mia-dual xihe``: training jobs on the Xihe platform."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import typer

from mia_dual.cli.guard import guarded
from mia_dual.cli.options import JSON, QUIET

xihe = typer.Typer(help="Audit on the Xihe platform.", no_args_is_help=True)


@xihe.callback()
def _group() -> None:
    """Keep ``init`` a command of its own, though it is the only one."""


@xihe.command()
@guarded
def init(
    folder: Path = typer.Argument(..., metavar="DIR", help="Empty, not there, or written before."),
    config: Optional[Path] = typer.Option(
        None, "--config", "-c", help="YAML settings; without it, small ones on the job's own data."
    ),
    backend: str = typer.Option("mindspore", help="mindspore, torch, or another installed."),
    inference: bool = typer.Option(
        False, "--inference", help="Also an application (Gradio) that shows results."
    ),
    quiet: bool = QUIET,
    as_json: bool = JSON,
) -> None:
    """Write a folder ready to upload: boot file, requirements, mia-dual itself, a config, help."""
    from mia_dual.cli.telling import Telling
    from mia_dual.xihe.folder import write_folder

    files = write_folder(folder, backend, config, inference)
    telling = Telling(quiet, as_json)
    telling.say(f"{folder} holds {len(files)} files for a job with backend {backend}")
    telling.end(
        f"upload it as it is; {folder / 'README.md'} says what goes into the job's form",
        lambda: [str(file) for file in files],
    )
