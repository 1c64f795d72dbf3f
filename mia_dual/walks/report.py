"""The walk from runs to their report page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Optional, Union

from mia_dual.data.dataset import Dataset
from mia_dual.data.load import dataset_of
from mia_dual.errors import ConfigError, DataError
from mia_dual.plan.labels import configured
from mia_dual.progress import Progress
from mia_dual.report.comparison import Comparison
from mia_dual.report.page.exposed import NotHere
from mia_dual.report.page.page import Told, make_page
from mia_dual.report.page.phrases import Phrases, read_words
from mia_dual.report.pictures.all import pictures_of
from mia_dual.store.folder import REPORT
from mia_dual.walks.compare import compare_runs
from mia_dual.walks.current import made_from
from mia_dual.walks.finished import FinishedRun
from mia_dual.walks.unfinished import UnfinishedRun

MOST_NAMES = 4
"""Runs that a file is not named after, each of them, any more."""


def opened(path: Path) -> Union[FinishedRun, UnfinishedRun]:
    """The run in folder ``path``, finished or not; raises StoreError as both do."""
    is_begun = (path / "config.yaml").is_file() and not (path / "results.json").exists()
    return UnfinishedRun(path) if is_begun else FinishedRun(path)


def page_of(runs: Sequence[Path]) -> Path:
    """Where the page of ``runs`` goes that is named no other place: of one into its folder, of
    several beside the first.
    """
    if len(runs) == 1:
        return runs[0] / REPORT
    names = [run.resolve().name for run in runs]
    told = "-and-".join(
        names if len(names) < MOST_NAMES else [*names[:2], f"{len(names) - 2}-more"]
    )
    # A path that ends in .. has another parent than it is written with.
    first = runs[0] if runs[0].name == names[0] else runs[0].resolve()
    return first.with_name(f"{told}.html")


def report(
    runs: Sequence[Union[FinishedRun, UnfinishedRun]],
    language: str,
    progress: Progress,
    *,
    records: bool = True,
    data_dir: Optional[Path] = None,
    dataset: Optional[Dataset] = None,
    comparison: Optional[Comparison] = None,
) -> str:
    """The page of ``runs`` as HTML; the finished ones are compared with the first of them.

    ``comparison``: theirs, where it is made already.

    ``records``: whether it shows the most exposed ones, from ``dataset`` where it is at hand
    (before labels are as a config asks), else from what is read of the run's data set; nothing is
    downloaded for it. Raises ConfigError for an unknown language, StoreError where runs cannot be
    compared.
    """
    say = Phrases(read_words(language))
    finished = [run for run in runs if isinstance(run, FinishedRun)]
    told = [
        Told(run, pictures_of(run), _data(run, dataset, data_dir, say) if records else None)
        if isinstance(run, FinishedRun)
        else run
        for run in runs
    ]
    if comparison is None and len(finished) > 1:
        comparison = compare_runs(finished, progress)
    is_whole = not any(isinstance(one, Told) and isinstance(one.data, NotHere) for one in told)
    # What lacks records is drawn again: their data set may be here by then.
    source = made_from([run.path for run in runs], language, records) if is_whole else ""
    return make_page(told, language, comparison, source)


def _data(
    run: FinishedRun, dataset: Optional[Dataset], data_dir: Optional[Path], say: Phrases
) -> Union[Dataset, NotHere]:
    """The data set of ``run``, or why there is none."""
    try:
        found = dataset or dataset_of(run.config, data_dir=data_dir, download=False)
        found = configured(found, run.config)
    except (ConfigError, DataError) as error:
        return NotHere(say("records.unloaded"), str(error))
    if found.digest() != run.results.data.digest:
        return NotHere(say("records.other"))
    return found
