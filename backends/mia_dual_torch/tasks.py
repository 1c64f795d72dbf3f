"""What is trained in one go, on a thread of this process or in another: plain data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mia_dual.interface import KeptState, NetworkSpec, Optimizer, ReportSteps, TrainingJob
from mia_dual_torch.records import DeviceRecords
from mia_dual_torch.stacked.one import SingleStack
from mia_dual_torch.stacked.residual import ResidualStack
from mia_dual_torch.stacked.stack import Stack, make_stack
from mia_dual_torch.stacked.training import train_together


@dataclass(frozen=True)
class Training:
    """Train ``jobs``, the longest first: ``together``, or else a single one, ``by_taps`` by our
    layers. ``draws``: whether a network that is trained by its own layers draws at random.
    """

    spec: NetworkSpec
    optimizer: Optimizer
    jobs: tuple[TrainingJob, ...]
    together: bool
    by_taps: bool = False
    draws: bool = False

    def on(self, data: DeviceRecords, report: ReportSteps) -> Iterator[KeptState]:
        """Do it where ``data`` are; gives each state when it is reached."""

        def make(jobs: Sequence[TrainingJob]) -> Stack:
            if self.together:
                return make_stack(self.spec, jobs, data)
            (job,) = jobs
            if self.by_taps:
                return ResidualStack(self.spec, job.batches.shape[1], data)
            return SingleStack(self.spec, job, data, self.draws)

        return train_together(make, self.spec, self.optimizer, self.jobs, data, report)
