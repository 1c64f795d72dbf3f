"""Which jobs are trained together, on how many cores, and in how many chunks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import torch

from mia_dual.execution import SHARE_OF_FREE_MEMORY, Execution, free_memory, models_that_fit
from mia_dual.interface import (
    NetworkSpec,
    Optimizer,
    Records,
    ReportSteps,
    TrainedModel,
    TrainingJob,
)
from mia_dual.networks import is_factory
from mia_dual.training.lockstep import form_chunks
from mia_dual_torch.records import DeviceRecords
from mia_dual_torch.single import train_one
from mia_dual_torch.stacked.networks import LAYERED
from mia_dual_torch.stacked.stack import bytes_a_model
from mia_dual_torch.stacked.training import train_together
from mia_dual_torch.workers import Work, run

SMALL_BATCH = 32
"""Records a step under which one thread is faster than several (see benchmarks/README.md)."""

CACHE = 16 * 2**20
"""Bytes of models in training that a core works through fastest (see benchmarks/README.md)."""


def train(
    spec: NetworkSpec,
    optimizer: Optimizer,
    jobs: Sequence[TrainingJob],
    records: Records,
    report: ReportSteps,
    device: torch.device,
    execution: Execution,
) -> Iterator[TrainedModel]:
    """Train ``jobs``; see :meth:`mia_dual.interface.Backend.train`."""
    if not jobs:
        return
    data = DeviceRecords(records, device)
    cores = (execution.workers or torch.get_num_threads()) if device.type == "cpu" else 1
    works: list[Work]
    if pays_together(spec, device, execution):
        most = _most(spec, jobs, data, execution, cores)
        chunks = form_chunks(jobs, most, cores, alike=spec.name not in LAYERED)
        works = [partial(train_together, spec, optimizer, chunk, data) for chunk in chunks]
        records_a_step = max(len(chunk) * chunk[0].batches.shape[1] for chunk in chunks)
    else:
        longest_first = sorted(jobs, key=lambda job: -len(job.batches))
        works = [partial(_alone, spec, optimizer, job, data) for job in longest_first]
        records_a_step = max(job.batches.shape[1] for job in jobs)
    workers = min(cores, len(works))
    # Threads that share little work wait for each other more than they compute, and far more
    # when the machine has other work.
    threads = cores // workers if records_a_step >= SMALL_BATCH else 1
    yield from run(works, workers, threads, report)


def pays_together(spec: NetworkSpec, device: torch.device, execution: Execution) -> bool:
    """Whether jobs of ``spec`` are trained with stacked parameters.

    Layers written for it are faster at every batch measured, for a single model too. Through
    vmap a CPU gains nothing over a model a core; a GPU, where launches are what a small network
    costs, should. A user's own module may hold what vmap does not take.
    """
    if execution.together != "auto":
        return execution.together == "always"
    return spec.name in LAYERED or (device.type != "cpu" and not is_factory(spec.name))


def _most(
    spec: NetworkSpec,
    jobs: Sequence[TrainingJob],
    data: DeviceRecords,
    execution: Execution,
    cores: int,
) -> int:
    batch = max(job.batches.shape[1] for job in jobs)
    each = bytes_a_model(spec, batch, data)
    if data.device.type == "cpu":
        limit = execution.memory or int(free_memory() * SHARE_OF_FREE_MEMORY)
        # A chunk a core at a time: all of them share the limit, and each has its own cache.
        return min(models_that_fit(limit // cores, each), models_that_fit(CACHE, each))
    free, _ = torch.cuda.mem_get_info(data.device)
    return models_that_fit(execution.memory or int(free * SHARE_OF_FREE_MEMORY), each)


def _alone(
    spec: NetworkSpec,
    optimizer: Optimizer,
    job: TrainingJob,
    data: DeviceRecords,
    report: ReportSteps,
) -> Iterator[TrainedModel]:
    yield train_one(spec, optimizer, job, data, report)
