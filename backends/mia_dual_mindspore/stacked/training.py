"""Training a chunk of jobs in lockstep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mia_dual.errors import DivergedError
from mia_dual.interface import Optimizer, Records, ReportSteps, TrainedModel, TrainingJob
from mia_dual.training.lockstep import Block, Laps, blocks
from mia_dual_mindspore.stacked.stack import Stack
from mia_dual_mindspore.updates import Update, make_update

CHECK_EVERY = 50
"""Steps between looks at the losses and reports of progress."""


def train_together(
    stack: Stack,
    optimizer: Optimizer,
    jobs: Sequence[TrainingJob],
    records: Records,
    report: ReportSteps,
    on_host: bool,
) -> Iterator[TrainedModel]:
    """Train ``jobs``, the longest first, all at once; each model is given when it is finished.

    ``stack`` may have more places than there are jobs. A place without a job, or whose job is
    finished, goes along at rate 0: another number of models would compile again.
    """
    laps = Laps(len(jobs))
    for place, job in enumerate(jobs):
        stack.put(place, job.weights)
    update = make_update(optimizer, stack.network, on_host)
    active, step = len(jobs), 0
    for block in blocks(jobs, CHECK_EVERY):
        for place in range(block.models, active):
            yield _finished(stack, place, jobs[place], laps.seconds[place])
        active = block.models
        step += block.steps
        losses = _take_steps(stack, update, block, records)
        for place in np.flatnonzero(~np.isfinite(losses[:active])):
            raise DivergedError(jobs[place].name, step)
        laps.end(active)
        report(block.steps * active)
    for place in range(active):
        yield _finished(stack, place, jobs[place], laps.seconds[place])


def _finished(stack: Stack, place: int, job: TrainingJob, seconds: float) -> TrainedModel:
    weights = stack.taken(place)
    # MindSpore's ReLU turns NaN to 0, so that a loss may look well when weights are not.
    if not all(np.isfinite(array).all() for array in weights.values()):
        raise DivergedError(job.name, len(job.batches))
    return TrainedModel(job.name, weights, seconds)


def _take_steps(stack: Stack, update: Update, block: Block, records: Records) -> np.ndarray:
    idle = ((0, 0), (0, stack.models - block.models))
    rows = np.pad(block.rows, (*idle, (0, 0)))
    shares = np.pad(block.shares, (*idle, (0, 0)))
    rates = np.pad(block.rates, idle)
    for step in range(block.steps):
        losses, gradients = stack.differentiate(records, rows[step], shares[step])
        update.apply(gradients, rates[step])
    found: np.ndarray = losses.asnumpy()
    return found
