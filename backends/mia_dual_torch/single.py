"""Training one model, batches taken by index from arrays."""

from __future__ import annotations

import time

import torch
from torch import nn
from torch.nn import functional

from mia_dual.errors import DivergedError
from mia_dual.interface import (
    NO_RECORD,
    NetworkSpec,
    Optimizer,
    ReportSteps,
    TrainedModel,
    TrainingJob,
)
from mia_dual_torch.networks import build
from mia_dual_torch.records import DeviceRecords
from mia_dual_torch.weights import load, unload

CHECK_EVERY = 50
"""Steps between looks at the loss and reports of progress: a look waits for the device."""


def train_one(
    spec: NetworkSpec,
    optimizer: Optimizer,
    job: TrainingJob,
    data: DeviceRecords,
    report: ReportSteps,
) -> TrainedModel:
    """Train ``job`` alone, by autograd."""
    started = time.perf_counter()
    module = build(spec).to(data.device)
    load(module, job.weights, spec)
    _take_steps(module, optimizer, job, data, report)
    return TrainedModel(job.name, unload(module), time.perf_counter() - started)


def _take_steps(
    module: nn.Module,
    optimizer: Optimizer,
    job: TrainingJob,
    data: DeviceRecords,
    report: ReportSteps,
) -> None:
    module.train()
    update = _update_rule(optimizer, module)
    batches = torch.from_numpy(job.batches).to(data.device)
    sizes = (job.batches != NO_RECORD).sum(axis=1)
    reported = 0
    for step, (batch, size, rate) in enumerate(zip(batches, sizes, job.learning_rates), start=1):
        rows = batch[: int(size)]
        for group in update.param_groups:
            group["lr"] = float(rate)
        loss = functional.cross_entropy(module(data.inputs(rows)), data.labels[rows])
        update.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call, unused-ignore]
        update.step()
        if step % CHECK_EVERY == 0 or step == len(batches):
            if not torch.isfinite(loss):
                raise DivergedError(job.name, step)
            report(step - reported)
            reported = step


def _update_rule(optimizer: Optimizer, module: nn.Module) -> torch.optim.Optimizer:
    parameters = list(module.parameters())
    if optimizer.name == "adam":
        return torch.optim.Adam(parameters, weight_decay=optimizer.weight_decay)
    return torch.optim.SGD(
        parameters, lr=0.0, momentum=optimizer.momentum, weight_decay=optimizer.weight_decay
    )
