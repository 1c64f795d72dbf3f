"""``mia-dual compare``: finished runs, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import List  # noqa: UP035  (Typer reads these on Python 3.9)

import typer

from mia_dual.cli.options import JSON, QUIET


def compare(
    runs: List[Path] = typer.Argument(  # noqa: UP006
        ..., metavar="RUN RUN...", help="Folders that mia-dual run wrote; the first is the measure."
    ),
    quiet: bool = QUIET,
    as_json: bool = JSON,
) -> None:
    """Say what differs between runs, and whether more than chance: each against the first."""
    from mia_dual.cli.telling import Telling
    from mia_dual.errors import StoreError
    from mia_dual.report.compare_table import print_comparison, verdicts_line
    from mia_dual.walks.compare import compare_runs
    from mia_dual.walks.finished import FinishedRun

    if len(runs) < 2:
        raise StoreError(f"'{runs[0]}' alone cannot be compared: name two run folders at least")
    found = [FinishedRun(path) for path in runs]
    telling = Telling(quiet, as_json)
    comparison = compare_runs(found, telling.progress)
    print_comparison(comparison, telling.console)
    telling.end(verdicts_line(comparison), lambda: comparison)
