"""What a process beside this one does with PyTorch on a CPU: training, by one thread.

Threads of one process wait for Python's lock at each of a step's hundred small operations. Where
a system takes long to wake one, as in some virtual machines, two trained no faster than one; two
processes never wait for each other (benchmarks/README.md).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Optional

import torch

from mia_dual.interface import KeptState, Records, ReportSteps
from mia_dual.processes.crew import Crew, Trade
from mia_dual_torch.records import DeviceRecords
from mia_dual_torch.tasks import Training


class Workshop:
    """Trains on a CPU."""

    def do(self, task: Training, records: Records, report: ReportSteps) -> Iterator[KeptState]:
        """Each state when it is reached."""
        return task.on(DeviceRecords(records, torch.device("cpu")), report)


def begin(device: str) -> Workshop:
    """A workshop in a process of its own."""
    torch.set_num_threads(1)
    return Workshop()


def settings(folder: Path, card: Optional[int]) -> dict[str, str]:
    """The environment of such a process."""
    return {**os.environ, "OMP_NUM_THREADS": "1"}


CREW = Crew(Trade("torch", f"{__name__}:begin", "cpu", settings, stays=False))
"""Of this process: every backend made in it works with the same."""
