"""Tasks done in this process: on an accelerator, which belongs to one process."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from mia_dual.interface import Records, ReportSteps
from mia_dual_mindspore import device as devices
from mia_dual_mindspore.tasks import Task
from mia_dual_mindspore.workshop import Workshop


class Local:
    """One after another, on ``device``."""

    free = places = 1

    def __init__(self, device: str) -> None:
        devices.start(device)
        self._workshop = Workshop(on_host=device == "cpu")

    def do(
        self, tasks: Sequence[Task], workers: int, records: Records, report: ReportSteps
    ) -> Iterator[tuple[int, Any]]:
        """Do ``tasks``; gives (place of its task, result) as reached."""
        for number, task in enumerate(tasks):
            for result in self._workshop.do(task, records, report):
                yield number, result
