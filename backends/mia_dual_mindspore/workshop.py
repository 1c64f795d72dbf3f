"""What one process has compiled, and how it does its tasks with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mia_dual.interface import NetworkSpec, Records, ReportSteps
from mia_dual_mindspore import device as devices
from mia_dual_mindspore.fresh import build_fresh
from mia_dual_mindspore.gradients import Slopes
from mia_dual_mindspore.query import Query
from mia_dual_mindspore.single import Learner
from mia_dual_mindspore.stacked.stack import Stack
from mia_dual_mindspore.stacked.training import train_together
from mia_dual_mindspore.tasks import Building, Differentiation, Question, Task, Training


def begin(device: str) -> Workshop:
    """A workshop in a process of its own, on ``device``."""
    devices.start(device)
    if device == "cpu":
        devices.compute_once()
    return Workshop(on_host=device == "cpu")


class Workshop:
    """Cells and their compiled graphs, made once and kept."""

    def __init__(self, on_host: bool) -> None:
        self._on_host = on_host
        self._kept: dict[tuple[object, ...], Any] = {}

    def do(self, task: Task, records: Records, report: ReportSteps) -> Iterator[Any]:
        """Do ``task``, giving its results as they are reached; see :mod:`.tasks`."""
        if isinstance(task, Building):
            yield build_fresh(task.spec, task.seed)
        elif isinstance(task, Question):
            yield self._made(Query, task.spec).logits(task.models, records, task.rows)
        elif isinstance(task, Differentiation):
            slopes = self._made(Slopes, task.spec, task.together)
            yield slopes.norms(task.models, records, task.rows)
        else:
            yield from self._train(task, records, report)

    def _train(self, task: Training, records: Records, report: ReportSteps) -> Iterator[Any]:
        if task.places:
            stack = self._made(Stack, task.spec, task.places, task.jobs[0].batches.shape[1])
            yield from train_together(
                stack, task.optimizer, task.jobs, records, report, self._on_host
            )
            return
        for job in task.jobs:
            learner = self._made(Learner, task.spec, self._on_host)
            yield from learner.train(task.optimizer, job, records, report)

    def _made(self, kind: type, spec: NetworkSpec, *sizes: int) -> Any:
        key = (kind, spec, *sizes)
        if key not in self._kept:
            self._kept[key] = kind(spec, *sizes)
        return self._kept[key]
