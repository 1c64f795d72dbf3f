"""What models learn to answer, on the device."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from mia_dual.interface import TrainingJob
from mia_dual.training.lockstep import Block
from mia_dual.training.targets import TargetTable
from mia_dual_torch.records import DeviceRecords


class Truths:
    """Of the records that ``jobs`` see: labels where no job has targets, else distributions."""

    def __init__(self, jobs: Sequence[TrainingJob], data: DeviceRecords, classes: int) -> None:
        self._values, self._table = data.labels, None
        if any(job.targets is not None for job in jobs):
            self._table = TargetTable(jobs, data.labels.cpu().numpy(), classes)
            self._values = torch.from_numpy(self._table.distributions).to(data.device)

    def find(self, block: Block) -> tuple[Tensor, Tensor]:
        """The records of ``block``, and what :meth:`take` finds their truths by: both (steps,
        models, batch) int64.
        """
        device = self._values.device
        rows = torch.from_numpy(block.rows).to(device)
        if self._table is None:
            return rows, rows
        return rows, torch.from_numpy(self._table.places(block.rows)).to(device)

    def take(self, places: Tensor) -> Tensor:
        """Labels (models, batch) int64, or distributions (models, batch, classes) float32."""
        found = self._values.index_select(0, places.flatten())
        return found.view(*places.shape, *found.shape[1:])
