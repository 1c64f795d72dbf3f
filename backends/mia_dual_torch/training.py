"""Which jobs are trained together, and in how many chunks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

import torch

from mia_dual.execution import SHARE_OF_FREE_MEMORY, Execution, models_that_fit
from mia_dual.interface import (
    KeptState,
    NetworkSpec,
    Optimizer,
    Records,
    ReportSteps,
    TrainingJob,
)
from mia_dual.networks import is_factory
from mia_dual.training.lockstep import form_chunks
from mia_dual_torch.draws import draws
from mia_dual_torch.networks import build, forward
from mia_dual_torch.records import DeviceRecords, EachDevicesRecords
from mia_dual_torch.stacked.networks import LAYERED
from mia_dual_torch.stacked.one import SingleStack
from mia_dual_torch.stacked.residual import ResidualStack
from mia_dual_torch.stacked.stack import Stack, bytes_a_model, make_stack
from mia_dual_torch.stacked.training import train_together
from mia_dual_torch.workers import run

CACHE = 16 * 2**20
"""Bytes of models in training that a core works through fastest (see benchmarks/README.md)."""

LARGEST = 64 * 64
"""Pixels of the images up to which layers of ours are faster for ResNet18. Measured at 64 x 64: 1.6
times at batch 4, 1.1 at 64, as slow at 128; at 96 x 96 1.4, and as slow at 64.
"""


def train(
    spec: NetworkSpec,
    optimizer: Optimizer,
    jobs: Sequence[TrainingJob],
    records: Records,
    report: ReportSteps,
    places: Sequence[torch.device],
    execution: Execution,
) -> Iterator[KeptState]:
    """Train ``jobs``, each on one of ``places``; see :meth:`mia_dual.interface.Backend.train`."""
    if not jobs:
        return
    there = EachDevicesRecords(records)
    if pays_together(spec, places[0], execution):
        most = _most(spec, jobs, there.on(places[0]), execution, places)
        chunks = form_chunks(jobs, most, len(places), alike=spec.name not in LAYERED)

        def make(data: DeviceRecords, chunk: Sequence[TrainingJob]) -> Stack:
            return make_stack(spec, chunk, data)

    else:
        chunks = [[job] for job in sorted(jobs, key=lambda job: -len(job.batches))]
        drawing = draws_in_training(spec, places[0])
        by_taps = pays_by_taps(spec, places[0], execution)

        def make(data: DeviceRecords, chunk: Sequence[TrainingJob]) -> Stack:
            (job,) = chunk
            if by_taps:
                return ResidualStack(spec, job.batches.shape[1], data)
            return SingleStack(spec, job, data, drawing)

    def work(
        chunk: Sequence[TrainingJob], place: torch.device, told: ReportSteps
    ) -> Iterator[KeptState]:
        data = there.on(place)
        return train_together(partial(make, data), spec, optimizer, chunk, data, told)

    yield from run([partial(work, chunk) for chunk in chunks], places, report)


def pays_together(spec: NetworkSpec, device: torch.device, execution: Execution) -> bool:
    """Whether jobs of ``spec`` are trained with stacked parameters.

    Layers written for it are faster at every batch measured, for a single model too. Other
    networks go through vmap, and never on a CPU: there it gains nothing over a model a core, and
    a model's rounding would depend on its place among the others. A GPU, where launches are what
    a small network costs, should gain. A user's own module may hold what vmap does not take; one
    that draws at random is never trained through vmap, which draws for all models from one
    generator.
    """
    if execution.together == "never":
        return False
    if spec.name in LAYERED:
        return True
    wanted = execution.together == "always" or not is_factory(spec.name)
    return device.type != "cpu" and wanted and not draws_in_training(spec, device)


def pays_by_taps(spec: NetworkSpec, device: torch.device, execution: Execution) -> bool:
    """Whether models of ``spec`` that are trained one by one are so by layers of ours.

    On a CPU they are, whatever the batch, where images are no larger than ``LARGEST``; ``never`` is
    PyTorch's own layers.
    """
    if execution.together == "never" or device.type != "cpu" or spec.name != "resnet18":
        return False
    return math.prod(spec.input_shape[1:]) <= LARGEST


def draws_in_training(spec: NetworkSpec, device: torch.device) -> bool:
    """Whether the network of ``spec`` draws at random while it is trained, as dropout does."""
    if not is_factory(spec.name):
        return False
    module = build(spec).to(device).train()
    blank = torch.zeros(2, *spec.input_shape, device=device)
    return draws(partial(forward, spec, module), blank)


def _most(
    spec: NetworkSpec,
    jobs: Sequence[TrainingJob],
    data: DeviceRecords,
    execution: Execution,
    places: Sequence[torch.device],
) -> int:
    batch = max(job.batches.shape[1] for job in jobs)
    masked = any(job.mask is not None for job in jobs)
    each = bytes_a_model(spec, batch, data, masked)
    if data.device.type == "cpu":
        # A chunk a core at a time: all of them share the room, and each has its own cache.
        share = execution.room // len(places)
        return min(models_that_fit(share, each), models_that_fit(CACHE, each))
    if execution.memory:
        return models_that_fit(execution.memory // len(places), each)
    # The fullest card, and what each of its workers has of it.
    shares = [torch.cuda.mem_get_info(place)[0] // places.count(place) for place in set(places)]
    return models_that_fit(int(min(shares) * SHARE_OF_FREE_MEMORY), each)
