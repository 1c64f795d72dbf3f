"""``mia-dual compare``: finished runs, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import List  # noqa: UP035  (Typer reads these on Python 3.9)

import typer


def compare(
    runs: List[Path] = typer.Argument(  # noqa: UP006
        ..., metavar="RUN RUN...", help="Folders that mia-dual run wrote; the first is the measure."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print everything found as JSON."),
) -> None:
    """Say what differs between runs, and whether more than chance: each against the first."""
    from rich.console import Console

    from mia_dual.cli.progress import RichProgress
    from mia_dual.errors import StoreError
    from mia_dual.report.compare_table import print_comparison
    from mia_dual.walks.compare import compare_runs
    from mia_dual.walks.finished import FinishedRun

    if len(runs) < 2:
        raise StoreError(f"'{runs[0]}' alone cannot be compared: name two run folders at least")
    found = [FinishedRun(path) for path in runs]
    comparison = compare_runs(found, RichProgress(Console(stderr=True)))
    if as_json:
        typer.echo(comparison.model_dump_json(indent=2))
    else:
        print_comparison(comparison, Console())
