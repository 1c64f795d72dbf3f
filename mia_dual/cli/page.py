"""The report page that a command leaves in its run folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from mia_dual.data.dataset import Dataset
    from mia_dual.progress import Progress
    from mia_dual.store.folder import RunFolder


def leave_page(folder: RunFolder, dataset: Dataset, progress: Progress) -> None:
    """Write the page of the finished run in ``folder``, which shows records of ``dataset``.

    What the run found stands whether or not there is a page: where none can be made, one line says
    why.
    """
    from mia_dual.errors import MiaDualError
    from mia_dual.quoting import one_line
    from mia_dual.store.folder import REPORT
    from mia_dual.walks.finished import FinishedRun
    from mia_dual.walks.report import report

    try:
        page = report([FinishedRun(folder.path)], "en", progress, dataset=dataset)
        folder.write(REPORT, page.encode())
    except MiaDualError as error:
        typer.echo(f"mia-dual: no report: {one_line(str(error))}", err=True)
        return
    typer.echo(f"{folder.path / REPORT} is the report, which shows the most exposed records")
