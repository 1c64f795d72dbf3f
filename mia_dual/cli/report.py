"""``mia-dual report``: finished runs as a page to look at."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional  # noqa: UP035  (Typer reads these on Python 3.9)

import typer

from mia_dual.cli.options import DATA_DIR, JSON, LANG, QUIET, RECORDS


def report(
    runs: List[Path] = typer.Argument(  # noqa: UP006
        ...,
        metavar="RUN...",
        help="Folders of runs, or of a study; other runs are set beside the first.",
    ),
    lang: str = LANG,
    out: Optional[Path] = typer.Option(
        None,
        help="The HTML file; else report.html in the run's folder, or of several runs "
        "<first>-and-<second>.html beside the first.",
    ),
    records: bool = RECORDS,
    pictures: bool = typer.Option(
        False,
        "--pictures",
        help="Also write every picture as PNG and SVG, and what it draws as CSV, into report/ of "
        "the first run, or of the study.",
    ),
    data_dir: Optional[Path] = DATA_DIR,
    quiet: bool = QUIET,
    as_json: bool = JSON,
) -> None:
    """Write what runs found as one HTML page, which needs no network and no JavaScript."""
    from mia_dual.cli.telling import Telling
    from mia_dual.errors import ConfigError, StoreError
    from mia_dual.report.page.phrases import read_words
    from mia_dual.report.pictures.all import pictures_of
    from mia_dual.report.pictures.write import FOLDER, write_pictures
    from mia_dual.store.files import write_atomically
    from mia_dual.walks.finished import FinishedRun
    from mia_dual.walks.report import opened, page_of
    from mia_dual.walks.report import report as report_on
    from mia_dual.walks.study_report import is_study, pictures_of_study, report_study

    # Before anything is read: a slip of the pen costs no wait.
    words = read_words(lang)
    file = out or page_of(runs)
    telling = Telling(quiet, as_json)
    files = [file]
    studies = [path for path in runs if is_study(path)]
    if studies and len(runs) > 1:
        raise StoreError(f"'{studies[0]}' is a study: name it alone")
    if studies:
        page = report_study(runs[0], lang)
        drawn = pictures_of_study(runs[0]) if pictures else []
    else:
        found = [opened(path) for path in runs]
        page = report_on(found, lang, telling.progress, records=records, data_dir=data_dir)
        drawn = pictures_of(found[0]) if pictures and isinstance(found[0], FinishedRun) else []
    try:
        write_atomically(file, page.encode())
        if drawn:
            files += write_pictures(drawn, runs[0] / FOLDER, words)
    except OSError as error:
        raise ConfigError(
            f"report '{file}' cannot be written ({error.strerror}): name another --out"
        ) from error
    telling.end(str(file), lambda: [str(one) for one in files])
