"""The walk from finished runs to their report page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Optional, Union

from mia_dual.data.dataset import Dataset
from mia_dual.data.load import dataset_of
from mia_dual.errors import ConfigError, DataError
from mia_dual.plan.labels import configured
from mia_dual.progress import Progress
from mia_dual.report.page.exposed import NotHere
from mia_dual.report.page.page import Told, make_page
from mia_dual.report.page.phrases import Phrases, read_words
from mia_dual.report.pictures.all import pictures_of
from mia_dual.walks.compare import compare_runs
from mia_dual.walks.finished import FinishedRun


def report(
    runs: Sequence[FinishedRun],
    language: str,
    progress: Progress,
    *,
    records: bool = True,
    data_dir: Optional[Path] = None,
    dataset: Optional[Dataset] = None,
) -> str:
    """The page of ``runs`` as HTML; several are compared with the first.

    ``records``: whether it shows the most exposed ones, from ``dataset`` where it is at hand
    (before labels are as a config asks), else from what is read of the run's data set; nothing is
    downloaded for it. Raises ConfigError for an unknown language, StoreError where runs cannot be
    compared.
    """
    say = Phrases(read_words(language))
    told = [
        Told(run, pictures_of(run), _data(run, dataset, data_dir, say) if records else None)
        for run in runs
    ]
    comparison = compare_runs(runs, progress) if len(runs) > 1 else None
    return make_page(told, language, comparison)


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
