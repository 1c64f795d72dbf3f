"""Training a chunk of jobs in lockstep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Callable

import numpy as np
import torch

from mia_dual.errors import DivergedError
from mia_dual.interface import KeptState, NetworkSpec, Optimizer, ReportSteps, State, TrainingJob
from mia_dual.networks import check_weights
from mia_dual.training.lockstep import Block, Laps, blocks
from mia_dual.training.masks import stack_masks
from mia_dual_torch.records import DeviceRecords
from mia_dual_torch.stacked.stack import Stack, put, taken
from mia_dual_torch.stacked.truths import Truths
from mia_dual_torch.stacked.updates import StackedUpdate
from mia_dual_torch.weights import shapes

CHECK_EVERY = 50
"""Steps between looks at the losses and reports of progress: a look waits for the device."""

StackMaker = Callable[[Sequence[TrainingJob]], Stack]
"""Makes a stack with a place for each of some jobs."""


def train_together(
    make: StackMaker,
    spec: NetworkSpec,
    optimizer: Optimizer,
    jobs: Sequence[TrainingJob],
    data: DeviceRecords,
    report: ReportSteps,
) -> Iterator[KeptState]:
    """Train ``jobs``, the longest first, all at once; each state to keep is given when reached.

    Jobs of a network without layers of ours must be alike in the records of every batch. All have
    targets, or none has; and the same of masks.
    """
    laps = Laps(len(jobs))
    stack = make(jobs)
    steps = np.array([job.start.steps for job in jobs], np.int64)
    learnt = {name: shape[1:] for name, shape in shapes(stack.values).items()}
    masks = [
        torch.from_numpy(mask).to(data.device)
        for mask in stack_masks(spec, jobs, learnt, len(jobs)).values()
    ]
    update = StackedUpdate(optimizer, stack.values, steps, masks)
    expected = {name: shape[1:] for name, shape in shapes(stack.state).items()}
    for place, job in enumerate(jobs):
        check_weights(spec, expected, job.start.weights)
        put(stack.state, place, job.start.weights)
        put(update.moments, place, job.start.moments)
    truths = Truths(jobs, data, spec.classes)
    step = 0
    for block in blocks(jobs, CHECK_EVERY):
        if block.models < len(update.steps):
            smaller = make(jobs[: block.models])
            stack, update = _narrowed(smaller, stack, optimizer, update, block.models)
        finite = _take_steps(stack, update, block, step, truths)
        step += block.steps
        for place in torch.nonzero(~finite).flatten().tolist():
            raise DivergedError(jobs[place].name, step)
        laps.end(block.models)
        report(block.steps * block.models)
        for place, job in enumerate(jobs[: block.models]):
            if place in block.kept or len(job.batches) == step:
                state = State(
                    taken(stack.state, place),
                    taken(update.moments, place),
                    int(update.steps[place]),
                )
                yield KeptState(job.name, step, state, laps.seconds[place])


def _take_steps(
    stack: Stack, update: StackedUpdate, block: Block, before: int, truths: Truths
) -> torch.Tensor:
    rows, places = truths.find(block)
    shares = torch.from_numpy(block.shares).to(rows.device)
    widths = block.widths if stack.trims else np.full(block.steps, rows.shape[2])
    with torch.no_grad():
        for step, width in enumerate(widths.tolist()):
            shown = stack.differentiate(
                rows[step, :, :width],
                truths.take(places[step, :, :width]),
                shares[step, :, :width],
                before + step,
            )
            update.apply(stack.gradients, block.rates[step])
        return torch.isfinite(shown).flatten(1).all(1)


def _narrowed(
    smaller: Stack, stack: Stack, optimizer: Optimizer, update: StackedUpdate, models: int
) -> tuple[Stack, StackedUpdate]:
    masks = [mask[:models] for mask in update.masks]
    going_on = StackedUpdate(optimizer, smaller.values, update.steps[:models], masks)
    for ours, theirs in ((smaller.state, stack.state), (going_on.moments, update.moments)):
        for name, tensor in ours.items():
            tensor.copy_(theirs[name][:models])
    return smaller, going_on
