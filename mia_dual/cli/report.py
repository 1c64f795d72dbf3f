"""``mia-dual report``: finished runs as a page to look at."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional  # noqa: UP035  (Typer reads these on Python 3.9)

import typer

from mia_dual.cli.options import DATA_DIR


def report(
    runs: List[Path] = typer.Argument(  # noqa: UP006
        ..., metavar="RUN...", help="Folders of finished runs; others are set beside the first."
    ),
    lang: str = typer.Option("en", help="en or zh."),
    out: Optional[Path] = typer.Option(
        None, help="The HTML file; else report.html in the first run's folder."
    ),
    records: bool = typer.Option(
        True,
        "--records/--no-records",
        help="Show the most exposed records, which may be personal data.",
    ),
    pictures: bool = typer.Option(
        False,
        "--pictures",
        help="Also write every picture as PNG and SVG, and what it draws as CSV, into report/ of "
        "the first run.",
    ),
    data_dir: Optional[Path] = DATA_DIR,
) -> None:
    """Write what runs found as one HTML page, which needs no network and no JavaScript."""
    from rich.console import Console

    from mia_dual.cli.progress import RichProgress
    from mia_dual.errors import ConfigError
    from mia_dual.report.page.phrases import read_words
    from mia_dual.report.pictures.all import pictures_of
    from mia_dual.report.pictures.write import FOLDER, write_pictures
    from mia_dual.store.files import write_atomically
    from mia_dual.store.folder import REPORT
    from mia_dual.walks.finished import FinishedRun
    from mia_dual.walks.report import report as report_on

    # Before anything is read: a slip of the pen costs no wait.
    words = read_words(lang)
    found = [FinishedRun(path) for path in runs]
    file = out or runs[0] / REPORT
    progress = RichProgress(Console(stderr=True))
    page = report_on(found, lang, progress, records=records, data_dir=data_dir)
    try:
        write_atomically(file, page.encode())
        if pictures:
            write_pictures(pictures_of(found[0]), runs[0] / FOLDER, words)
    except OSError as error:
        raise ConfigError(
            f"report '{file}' cannot be written ({error.strerror}): name another --out"
        ) from error
    typer.echo(str(file))
