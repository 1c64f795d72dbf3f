"""``mia-dual compare``: finished runs, side by side."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional  # noqa: UP035  (Typer reads these on Python 3.9)

import typer

from mia_dual.cli.options import DATA_DIR, JSON, LANG, PAGE, QUIET, RECORDS


def compare(
    runs: List[Path] = typer.Argument(  # noqa: UP006
        ..., metavar="RUN RUN...", help="Folders that mia-dual run wrote; the first is the measure."
    ),
    page: bool = PAGE,
    lang: str = LANG,
    records: bool = RECORDS,
    out: Optional[Path] = typer.Option(
        None, help="The page; else <first>-and-<second>.html beside the first run."
    ),
    data_dir: Optional[Path] = DATA_DIR,
    quiet: bool = QUIET,
    as_json: bool = JSON,
) -> None:
    """Say what differs between runs, and whether more than chance: each against the first."""
    from mia_dual.cli.paging import Paging
    from mia_dual.cli.telling import Telling
    from mia_dual.errors import StoreError
    from mia_dual.report.compare_table import print_comparison, verdicts_line
    from mia_dual.walks.compare import compare_runs
    from mia_dual.walks.finished import FinishedRun
    from mia_dual.walks.report import page_of

    if len(runs) < 2:
        raise StoreError(f"'{runs[0]}' alone cannot be compared: name two run folders at least")
    paging = Paging(page, lang, records)
    found = [FinishedRun(path) for path in runs]
    telling = Telling(quiet, as_json)
    comparison = compare_runs(found, telling.progress)
    print_comparison(comparison, telling.console)
    file = out or page_of(runs)
    written = paging.of_runs(runs, file, telling, data_dir, comparison=comparison)
    if written is not None:
        telling.say(f"{written} shows it")
    telling.end(verdicts_line(comparison), lambda: comparison)
