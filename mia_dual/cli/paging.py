"""The page that a command writes at its end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Optional

import typer

if TYPE_CHECKING:
    from mia_dual.cli.telling import Telling
    from mia_dual.data.dataset import Dataset
    from mia_dual.report.comparison import Comparison


class Paging:
    """Whether pages are ``wanted``, in which ``language``, and whether they show ``records``.

    Raises ConfigError for a language that there is not, before anything else is done.
    """

    def __init__(self, wanted: bool, language: str, records: bool) -> None:
        from mia_dual.report.page.phrases import check_language

        check_language(language)
        self._wanted, self._language, self._records = wanted, language, records

    def of_runs(
        self,
        runs: Sequence[Path],
        file: Path,
        telling: Telling,
        data_dir: Optional[Path] = None,
        dataset: Optional[Dataset] = None,
        comparison: Optional[Comparison] = None,
    ) -> Optional[Path]:
        """Write the page of the ``runs`` to ``file``; gives it, or None where there is none.

        ``dataset`` and ``comparison`` are theirs, where they are at hand.
        Beside that of a finished run, its pictures' numbers go into the run's folder. One that was
        made from the same is left as it is.
        """
        from mia_dual.walks.current import is_current, made_from

        def draw() -> Optional[str]:
            if is_current(file, made_from(runs, self._language, self._records)):
                return None
            # Not before, since it takes a moment.
            from mia_dual.progress import Silent
            from mia_dual.report.pictures.all import pictures_of
            from mia_dual.report.pictures.write import FOLDER, write_numbers
            from mia_dual.walks.finished import FinishedRun
            from mia_dual.walks.report import opened, report

            found = [opened(run) for run in runs]
            if len(found) == 1 and isinstance(found[0], FinishedRun):
                write_numbers(pictures_of(found[0]), runs[0] / FOLDER)
            return report(
                found,
                self._language,
                # What turns while a page is drawn leaves no room for bars.
                Silent(),
                records=self._records,
                data_dir=data_dir,
                dataset=dataset,
                comparison=comparison,
            )

        return self._write(draw, file, telling)

    def of_study(self, study: Path, telling: Telling) -> Optional[Path]:
        """Write the page of the finished ``study`` into its folder, likewise."""
        from mia_dual.store.folder import REPORT
        from mia_dual.walks.study_report import report_study

        return self._write(lambda: report_study(study, self._language), study / REPORT, telling)

    def _write(
        self, draw: Callable[[], Optional[str]], file: Path, telling: Telling
    ) -> Optional[Path]:
        """What was found is whole by then, whatever becomes of the page."""
        from mia_dual.errors import MiaDualError
        from mia_dual.store.files import write_atomically

        if not self._wanted:
            return None
        try:
            with telling.waiting.status("drawing the page"):
                page = draw()
            if page is not None:
                write_atomically(file, page.encode())
        except (MiaDualError, OSError) as error:
            # The system would name the file that is moved to its place when it is whole.
            reason = getattr(error, "strerror", None) or error
            typer.echo(f"no page was written to '{file}' ({reason}); all else is there", err=True)
            return None
        return file
