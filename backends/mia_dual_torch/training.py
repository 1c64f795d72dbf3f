"""Which jobs are trained together, and in how many chunks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import partial

import torch

from mia_dual.execution import SHARE_OF_FREE_MEMORY, Execution, models_that_fit
from mia_dual.flops import jobs_flops
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
from mia_dual_torch.stacked.stack import bytes_a_model
from mia_dual_torch.tasks import Training
from mia_dual_torch.workers import Place, run
from mia_dual_torch.workshop import CREW

CACHE = 16 * 2**20
"""Bytes of models in training that a core works through fastest (see benchmarks/README.md)."""

WORTH_STARTING = 1e11
"""Counted operations of a call that another process, which takes two seconds to start, ends sooner
than another thread where threads wait for each other: with ConvNet at batch 4 eight seconds of one
core.
"""

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
        tasks = [Training(spec, optimizer, tuple(chunk), together=True) for chunk in chunks]
    else:
        by_taps = pays_by_taps(spec, places[0], execution)
        draws = draws_in_training(spec, places[0])
        longest_first = sorted(jobs, key=lambda job: -len(job.batches))
        tasks = [Training(spec, optimizer, (job,), False, by_taps, draws) for job in longest_first]

    def work(task: Training, place: Place, told: ReportSteps) -> Iterator[KeptState]:
        if place is not None:
            yield from task.on(there.on(place), told)
            return
        for _, state in CREW.do([task], 1, records, told):
            yield state

    spread = pays_in_processes(spec, jobs, places[0], execution)
    chosen = [places[0], *[None] * (len(places) - 1)] if spread else places
    yield from run([partial(work, task) for task in tasks], chosen, report)


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


def pays_in_processes(
    spec: NetworkSpec,
    jobs: Sequence[TrainingJob],
    device: torch.device,
    execution: Execution,
) -> bool:
    """Whether each worker on a CPU but one is a process of its own, and no thread of this one.

    They are where workers are asked for, or worth their start. Those of a user's module stay here,
    where it is imported already.
    """
    if device.type != "cpu" or is_factory(spec.name):
        return False
    return execution.workers is not None or jobs_flops(spec, jobs) >= WORTH_STARTING


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
