"""Training a chunk of jobs in lockstep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mia_dual.errors import DivergedError
from mia_dual.interface import KeptState, Optimizer, Records, ReportSteps, TrainingJob
from mia_dual.training.lockstep import Block, Laps, blocks
from mia_dual.training.masks import stack_masks
from mia_dual.training.targets import TargetTable
from mia_dual_mindspore.moments import still_moments
from mia_dual_mindspore.stacked.stack import Stack

CHECK_EVERY = 50
"""Steps between looks at the losses and reports of progress."""


def train_together(
    stack: Stack,
    optimizer: Optimizer,
    jobs: Sequence[TrainingJob],
    records: Records,
    report: ReportSteps,
    on_host: bool,
) -> Iterator[KeptState]:
    """Train ``jobs``, the longest first, all at once; each state is given when it is reached.

    ``stack`` may have more places than there are jobs. A place without a job, or whose job is
    finished, goes along with records of no weight: another number of models would compile again.
    """
    laps = Laps(len(jobs))
    moments = still_moments(optimizer, stack.shapes(), stack.models)
    for place, job in enumerate(jobs):
        stack.put(place, job.start.weights)
        moments.put(place, job.start)
    shapes = {name: shape[1:] for name, shape in stack.shapes().items()}
    masks = list(stack_masks(stack.spec, jobs, shapes, stack.models).values())
    stack.steps.start(optimizer, moments, masks, on_host)
    table = TargetTable(jobs, records.labels, stack.spec.classes)
    step = 0
    for block in blocks(jobs, CHECK_EVERY):
        losses = _take_steps(stack, block, records, table)
        step += block.steps
        for place in np.flatnonzero(~np.isfinite(losses[: block.models])):
            raise DivergedError(jobs[place].name, step)
        laps.end(block.models)
        report(block.steps * block.models)
        ended = [place for place in range(block.models) if len(jobs[place].batches) == step]
        for place in (*block.kept, *ended):
            yield _reached(stack, place, jobs[place], step, laps.seconds[place])


def _reached(stack: Stack, place: int, job: TrainingJob, step: int, seconds: float) -> KeptState:
    state = stack.steps.moments().state(stack.taken(place), place)
    # MindSpore's ReLU turns NaN to 0, so that a loss may look well when weights are not.
    if not all(np.isfinite(array).all() for array in state.weights.values()):
        raise DivergedError(job.name, step)
    return KeptState(job.name, step, state, seconds)


def _take_steps(stack: Stack, block: Block, records: Records, table: TargetTable) -> np.ndarray:
    idle = ((0, 0), (0, stack.models - block.models))
    rows = np.pad(block.rows, (*idle, (0, 0)))
    places = np.pad(table.places(block.rows), (*idle, (0, 0)))
    shares = np.pad(block.shares, (*idle, (0, 0)))
    rates = np.pad(block.rates, idle, "edge")
    for step in range(block.steps):
        truth = table.distributions[places[step]]
        given = stack.given(records, rows[step], truth, shares[step])
        losses = stack.steps.take(given, rates[step])
    found: np.ndarray = losses.asnumpy()
    return found
