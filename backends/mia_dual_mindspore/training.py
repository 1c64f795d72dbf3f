"""Which jobs are trained together, and on how many processes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import joblib
import numpy as np

from mia_dual.execution import SHARE_OF_FREE_MEMORY, Execution, free_memory, models_that_fit
from mia_dual.flops import training_flops
from mia_dual.interface import (
    NO_RECORD,
    NetworkSpec,
    Optimizer,
    Records,
    ReportSteps,
    TrainedModel,
    TrainingJob,
)
from mia_dual.training.lockstep import form_chunks
from mia_dual_mindspore.stacked.networks import LAYERED, bytes_a_model
from mia_dual_mindspore.weights import shapes
from mia_dual_mindspore.workers import run
from mia_dual_mindspore.workshop import Work, Workshop

MOST = 16
"""Models in a chunk beyond which nothing is gained on a CPU (see benchmarks/README.md)."""

WORTH_PROCESSES = 1e11
"""Counted operations from which processes, that take seconds to start, end a call sooner.

Counted and not measured, so that the same jobs are always trained in the same way.
"""


def train(
    shop: Workshop,
    spec: NetworkSpec,
    optimizer: Optimizer,
    jobs: Sequence[TrainingJob],
    records: Records,
    report: ReportSteps,
    execution: Execution,
) -> Iterator[TrainedModel]:
    """Train ``jobs``; see :meth:`mia_dual.interface.Backend.train`."""
    if not jobs:
        return
    together = pays_together(spec, shop.on_host, execution)
    works = _works(spec, optimizer, jobs, together, execution, workers=1)
    workers = min(execution.workers or joblib.cpu_count(), len(jobs)) if shop.on_host else 1
    worth = execution.workers or _operations(shop, spec, jobs) >= WORTH_PROCESSES
    if workers > 1 and worth:
        works = _works(spec, optimizer, jobs, together, execution, workers)
        yield from run(works, workers, records, report)
        return
    for work in works:
        yield from shop.do(work, records, report)


def pays_together(spec: NetworkSpec, on_host: bool, execution: Execution) -> bool:
    """Whether jobs of ``spec`` are trained with stacked parameters.

    On a CPU that was faster at every batch measured, for a single model too; on Ascend nobody
    measured it yet, and it is done where it is asked for. Networks without layers of ours are
    trained one by one.
    """
    if spec.name not in LAYERED:
        return False
    return on_host if execution.together == "auto" else execution.together == "always"


def _works(
    spec: NetworkSpec,
    optimizer: Optimizer,
    jobs: Sequence[TrainingJob],
    together: bool,
    execution: Execution,
    workers: int,
) -> list[Work]:
    if not together:
        longest_first = sorted(jobs, key=lambda job: -len(job.batches))
        return [Work(spec, optimizer, (job,)) for job in longest_first]
    batch = max(job.batches.shape[1] for job in jobs)
    limit = execution.memory or int(free_memory() * SHARE_OF_FREE_MEMORY)
    most = min(MOST, models_that_fit(limit // workers, bytes_a_model(spec, batch)))
    chunks = form_chunks(jobs, most, workers)
    # Equally many places everywhere, so that a process compiles once.
    places = max(len(chunk) for chunk in chunks)
    return [Work(spec, optimizer, tuple(chunk), places) for chunk in chunks]


def _operations(shop: Workshop, spec: NetworkSpec, jobs: Sequence[TrainingJob]) -> int:
    seen = sum(int(np.count_nonzero(job.batches != NO_RECORD)) for job in jobs)
    return seen * training_flops(spec, shapes(shop.learner(spec).cell))
