"""Training on PyTorch: one model after another, batches taken by index from arrays."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from mia_dual.errors import DivergedError
from mia_dual.interface import (
    NO_RECORD,
    NetworkSpec,
    Optimizer,
    Records,
    ReportSteps,
    TrainedModel,
    TrainingJob,
)
from mia_dual_torch.networks import build
from mia_dual_torch.weights import load, unload

SMALL_BATCH = 32
"""Records a step under which one thread is faster than several (see benchmarks/README.md)."""

CHECK_EVERY = 50
"""Steps between looks at the loss and reports of progress: a look waits for the device."""


def train(
    spec: NetworkSpec,
    optimizer: Optimizer,
    jobs: Sequence[TrainingJob],
    records: Records,
    report: ReportSteps,
    device: torch.device,
) -> Iterator[TrainedModel]:
    """Train ``jobs`` in turn; see :meth:`mia_dual.interface.Backend.train`."""
    data = DeviceRecords(records, device)
    for job in jobs:
        started = time.perf_counter()
        module = build(spec).to(device)
        load(module, job.weights, spec)
        with _threads_for(job):
            _train_one(module, optimizer, job, data, report)
        yield TrainedModel(job.name, unload(module), time.perf_counter() - started)


@contextmanager
def _threads_for(job: TrainingJob) -> Iterator[None]:
    # Threads that share a small batch wait for each other more than they compute, and far more
    # when the machine has other work.
    usual = torch.get_num_threads()
    if job.batches.shape[1] < SMALL_BATCH:
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(usual)


class DeviceRecords:
    """Records on the device, stored as they came, turned to network inputs a batch at a time."""

    def __init__(self, records: Records, device: torch.device) -> None:
        self.device = device
        self.features = torch.from_numpy(np.ascontiguousarray(records.features)).to(device)
        self.labels = torch.from_numpy(records.labels.astype(np.int64)).to(device)
        self.scale, self.shift = records.scale, records.shift

    def inputs(self, rows: Tensor | slice) -> Tensor:
        """Network inputs (rows, *input_shape) float32; equal to ``Records.inputs``."""
        features = self.features[rows].to(torch.float32)
        if self.scale != 1.0 or self.shift != 0.0:
            features = features * self.scale + self.shift
        return features


def _train_one(
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
