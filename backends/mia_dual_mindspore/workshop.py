"""What one process has compiled, and how it does a piece of training with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mia_dual.interface import (
    NetworkSpec,
    Optimizer,
    Records,
    ReportSteps,
    TrainedModel,
    TrainingJob,
)
from mia_dual_mindspore.query import Query
from mia_dual_mindspore.single import Learner
from mia_dual_mindspore.stacked.stack import Stack
from mia_dual_mindspore.stacked.training import train_together


@dataclass(frozen=True)
class Work:
    """Jobs to be trained together, the longest first, in ``places``; or, where that is 0, one
    after another.
    """

    spec: NetworkSpec
    optimizer: Optimizer
    jobs: tuple[TrainingJob, ...]
    places: int = 0


class Workshop:
    """Cells and their compiled graphs, made once and kept."""

    def __init__(self, on_host: bool) -> None:
        self.on_host = on_host
        self._learners: dict[NetworkSpec, Learner] = {}
        self._queries: dict[NetworkSpec, Query] = {}
        self._stacks: dict[tuple[NetworkSpec, int, int], Stack] = {}

    def learner(self, spec: NetworkSpec) -> Learner:
        """What trains one model of ``spec``."""
        if spec not in self._learners:
            self._learners[spec] = Learner(spec, on_host=self.on_host)
        return self._learners[spec]

    def query(self, spec: NetworkSpec) -> Query:
        """What asks models of ``spec``."""
        if spec not in self._queries:
            self._queries[spec] = Query(spec)
        return self._queries[spec]

    def stack(self, spec: NetworkSpec, models: int, batch: int) -> Stack:
        """What trains ``models`` models of ``spec`` at once."""
        if (spec, models, batch) not in self._stacks:
            self._stacks[spec, models, batch] = Stack(spec, models, batch)
        return self._stacks[spec, models, batch]

    def do(self, work: Work, records: Records, report: ReportSteps) -> Iterator[TrainedModel]:
        """Train the jobs of ``work``."""
        if work.places:
            stack = self.stack(work.spec, work.places, work.jobs[0].batches.shape[1])
            yield from train_together(
                stack, work.optimizer, work.jobs, records, report, self.on_host
            )
            return
        for job in work.jobs:
            yield self.learner(work.spec).train(work.optimizer, job, records, report)
