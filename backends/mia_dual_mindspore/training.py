"""Training on MindSpore: one cell and one compiled step, into which each model is loaded."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Callable

import mindspore
import numpy as np
from mindspore import Parameter, Tensor, nn, ops

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
from mia_dual_mindspore.networks import build
from mia_dual_mindspore.optimizers import update_rule
from mia_dual_mindspore.weights import load, unload

CHECK_EVERY = 50
"""Steps between looks at the loss and reports of progress: a look waits for the device."""


class Trainer:
    """Trains models of one network with one optimizer; compiles once for every batch size."""

    def __init__(self, spec: NetworkSpec, optimizer: Optimizer) -> None:
        self._spec = spec
        self._cell = build(spec).set_train()
        parameters = tuple(self._cell.trainable_params())
        self._rule = update_rule(optimizer, parameters)
        self._step = _compile(self._cell, parameters, optimizer.weight_decay)

    def train(
        self, jobs: Sequence[TrainingJob], records: Records, report: ReportSteps
    ) -> Iterator[TrainedModel]:
        """Train ``jobs`` in turn; see :meth:`mia_dual.interface.Backend.train`."""
        for job in jobs:
            started = time.perf_counter()
            load(self._cell, job.weights, self._spec)
            self._rule.reset()
            self._train_one(job, records, report)
            yield TrainedModel(job.name, unload(self._cell), time.perf_counter() - started)

    def _train_one(self, job: TrainingJob, records: Records, report: ReportSteps) -> None:
        labels = records.labels.astype(np.int32)
        sizes = (job.batches != NO_RECORD).sum(axis=1)
        rates = job.learning_rates.astype(np.float32)
        rate = None
        reported = 0
        for step, (batch, size) in enumerate(zip(job.batches, sizes), start=1):
            rows = batch[:size]
            if rate is None or rates[step - 1] != rates[step - 2]:
                rate = Tensor(rates[step - 1])
            loss, gradients = self._step(Tensor(records.inputs(rows)), Tensor(labels[rows]))
            self._rule.update(gradients, rate)
            if step % CHECK_EVERY == 0 or step == len(job.batches):
                if not np.isfinite(loss.asnumpy()):
                    raise DivergedError(job.name, step)
                report(step - reported)
                reported = step


def _compile(
    cell: nn.Cell, parameters: Sequence[Parameter], weight_decay: float
) -> Callable[[Tensor, Tensor], tuple[Tensor, Sequence[Tensor]]]:
    """Inputs and labels -> the loss and the gradient that the update rule is to follow."""

    def loss_of(inputs: Tensor, labels: Tensor) -> Tensor:
        return ops.cross_entropy(cell(inputs), labels)

    loss_and_gradients = mindspore.value_and_grad(loss_of, None, parameters)

    def plain(inputs: Tensor, labels: Tensor) -> tuple[Tensor, Sequence[Tensor]]:
        return loss_and_gradients(inputs, labels)

    def decayed(inputs: Tensor, labels: Tensor) -> tuple[Tensor, Sequence[Tensor]]:
        loss, gradients = loss_and_gradients(inputs, labels)
        with_decay = ()
        for gradient, parameter in zip(gradients, parameters):
            with_decay += (gradient + weight_decay * parameter,)
        return loss, with_decay

    return mindspore.jit(decayed if weight_decay else plain)
