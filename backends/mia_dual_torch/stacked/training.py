"""Training a chunk of jobs in lockstep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from mia_dual.errors import DivergedError
from mia_dual.interface import NetworkSpec, Optimizer, ReportSteps, TrainedModel, TrainingJob
from mia_dual.networks import check_weights
from mia_dual.training.lockstep import Block, Laps, blocks
from mia_dual_torch.records import DeviceRecords
from mia_dual_torch.stacked.stack import Stack, make_stack, put, taken
from mia_dual_torch.stacked.updates import StackedUpdate

CHECK_EVERY = 50
"""Steps between looks at the losses and reports of progress: a look waits for the device."""


def train_together(
    spec: NetworkSpec,
    optimizer: Optimizer,
    jobs: Sequence[TrainingJob],
    data: DeviceRecords,
    report: ReportSteps,
) -> Iterator[TrainedModel]:
    """Train ``jobs``, the longest first, all at once; each model is given when it is finished.

    Jobs of a network without layers of ours must be alike in the records of every batch.
    """
    laps = Laps(len(jobs))
    batch = jobs[0].batches.shape[1]
    stack = make_stack(spec, len(jobs), batch, data)
    shapes = {name: tuple(tensor.shape[1:]) for name, tensor in stack.state.items()}
    for place, job in enumerate(jobs):
        check_weights(spec, shapes, job.weights)
        put(stack.state, place, job.weights)
    update = StackedUpdate(optimizer, stack.values)
    active = len(jobs)
    step = 0
    for block in blocks(jobs, CHECK_EVERY):
        if block.models < active:
            for place in range(block.models, active):
                yield TrainedModel(jobs[place].name, taken(stack.state, place), laps.seconds[place])
            active = block.models
            stack = _narrowed(spec, stack, active, batch, data)
            update.narrow(active)
        finite = _take_steps(stack, update, block, data)
        step += block.steps
        for place in torch.nonzero(~finite).flatten().tolist():
            raise DivergedError(jobs[place].name, step)
        laps.end(active)
        report(block.steps * active)
    for place in range(active):
        yield TrainedModel(jobs[place].name, taken(stack.state, place), laps.seconds[place])


def _take_steps(
    stack: Stack, update: StackedUpdate, block: Block, data: DeviceRecords
) -> torch.Tensor:
    rows = torch.from_numpy(block.rows).to(data.device)
    shares = torch.from_numpy(block.shares).to(data.device)
    widths = block.widths if stack.trims else np.full(block.steps, rows.shape[2])
    with torch.no_grad():
        for step, width in enumerate(widths.tolist()):
            shown = stack.differentiate(rows[step, :, :width], shares[step, :, :width])
            update.apply(stack.values, stack.gradients, block.rates[step])
        return torch.isfinite(shown).flatten(1).all(1)


def _narrowed(
    spec: NetworkSpec, stack: Stack, models: int, batch: int, data: DeviceRecords
) -> Stack:
    smaller = make_stack(spec, models, batch, data)
    for name, tensor in smaller.state.items():
        tensor.copy_(stack.state[name][:models])
    return smaller
