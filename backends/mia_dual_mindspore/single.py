"""Training one model after another through one compiled gradient function."""

from __future__ import annotations

import time
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn, ops

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
from mia_dual_mindspore.updates import make_update
from mia_dual_mindspore.weights import load, shapes, unload

CHECK_EVERY = 50
"""Steps between looks at the loss and reports of progress: a look waits for the device."""


class Loss(nn.Cell):
    """Weighted mean cross entropy of a network."""

    def __init__(self, network: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.network = network

    def construct(self, inputs: Tensor, labels: Tensor, shares: Tensor) -> Tensor:
        """Sum over records of ``shares`` x cross entropy."""
        return (ops.cross_entropy(self.network(inputs), labels, reduction="none") * shares).sum()


class Gradients(nn.Cell):
    """Loss and gradients of a network's trained parameters.

    The update stays outside: compiled with it inside, a step took 3 to 5 times as long on a CPU.
    """

    def __init__(self, network: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.loss = Loss(network)
        parameters = ms.ParameterTuple(network.trainable_params())
        self.loss_and_gradients = ms.value_and_grad(self.loss, None, parameters)

    def construct(self, inputs: Tensor, labels: Tensor, shares: Tensor) -> Any:
        """(loss, gradients in the order of the trained parameters)."""
        return self.loss_and_gradients(inputs, labels, shares)


class Learner:
    """A cell of ``spec`` and its gradients, compiled once for all models of the spec."""

    def __init__(self, spec: NetworkSpec, on_host: bool) -> None:
        self.spec = spec
        self.cell = build(spec)
        self._on_host = on_host
        # A short batch compiles again, unless it can be filled up with records that weigh
        # nothing. Normalisation would see those, so such networks get short batches as they are.
        self._fills = not any(name.endswith("running_mean") for name in shapes(self.cell))
        self._gradients = Gradients(self.cell)

    def train(
        self, optimizer: Optimizer, job: TrainingJob, records: Records, report: ReportSteps
    ) -> TrainedModel:
        """Train one job."""
        started = time.perf_counter()
        load(self.cell, job.weights, self.spec)
        self._gradients.set_train(True)
        update = make_update(optimizer, self.cell, self._on_host)
        reported = 0
        for step, (batch, rate) in enumerate(zip(job.batches, job.learning_rates), start=1):
            loss, gradients = self._gradients(*self._feed(batch, records))
            update.apply(gradients, float(rate))
            if step % CHECK_EVERY == 0 or step == len(job.batches):
                if not np.isfinite(loss.asnumpy()):
                    raise DivergedError(job.name, step)
                report(step - reported)
                reported = step
        weights = unload(self.cell)
        # MindSpore's ReLU turns NaN to 0, so that a loss may look well when weights are not.
        if not all(np.isfinite(array).all() for array in weights.values()):
            raise DivergedError(job.name, len(job.batches))
        return TrainedModel(job.name, weights, time.perf_counter() - started)

    def _feed(self, batch: np.ndarray, records: Records) -> tuple[Tensor, Tensor, Tensor]:
        real = batch != NO_RECORD
        if not self._fills:
            batch, real = batch[real], real[real]
        rows = np.where(real, batch, batch[0])
        shares = real.astype(np.float32) / np.float32(real.sum())
        labels = records.labels[rows].astype(np.int32)
        return Tensor(records.inputs(rows)), Tensor(labels), Tensor(shares)
