"""Training one model after another through one compiled gradient function."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any, Optional

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, nn, ops

from mia_dual.errors import DivergedError, NetworkError
from mia_dual.interface import (
    NO_RECORD,
    KeptState,
    NetworkSpec,
    Optimizer,
    Records,
    ReportSteps,
    TrainingJob,
)
from mia_dual.networks import is_factory, normalises
from mia_dual.training.lockstep import job_shares
from mia_dual.training.masks import stack_masks
from mia_dual.training.targets import TargetTable
from mia_dual_mindspore.dropout import seed_dropout, write_key
from mia_dual_mindspore.moments import moments_of
from mia_dual_mindspore.networks import build
from mia_dual_mindspore.steps import Steps
from mia_dual_mindspore.weights import load, trained_parameters, unload

CHECK_EVERY = 50
"""Steps between looks at the loss and reports of progress: a look waits for the device."""


class Loss(nn.Cell):
    """Weighted cross entropy of a network."""

    def __init__(self, network: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.network = network

    def construct(self, inputs: Tensor, truth: Tensor, shares: Tensor) -> Tensor:
        """Sum over records of ``shares`` x cross entropy.

        ``truth``: (records,) int32 labels, or (records, classes) float32 distributions.
        """
        return (ops.cross_entropy(self.network(inputs), truth, reduction="none") * shares).sum()


class Gradients(nn.Cell):
    """Loss and gradients of a network's trained parameters."""

    def __init__(self, network: nn.Cell, parameters: list[Parameter]) -> None:
        super().__init__(auto_prefix=False)
        self.loss = Loss(network)
        self.loss_and_gradients = ms.value_and_grad(self.loss, None, ms.ParameterTuple(parameters))

    def construct(self, inputs: Tensor, truth: Tensor, shares: Tensor) -> Any:
        """(loss, gradients in the order of the trained parameters)."""
        return self.loss_and_gradients(inputs, truth, shares)


class Learner:
    """A cell of ``spec`` and its gradients, compiled once for all models of the spec."""

    def __init__(self, spec: NetworkSpec, on_host: bool) -> None:
        self.spec = spec
        self.cell = build(spec)
        self._on_host = on_host
        self._key = seed_dropout(self.cell)
        self._trained = trained_parameters(self.cell)
        # A short batch compiles again, unless it can be filled up with records that weigh
        # nothing. Normalisation would see those, so such networks get short batches as they are.
        self._normalises = normalises(unload(self.cell))
        parameters = list(self._trained.values())
        self._steps = Steps(Gradients(self.cell, parameters), parameters, alike=False)
        self._repeats = not is_factory(spec.name)

    def train(
        self, optimizer: Optimizer, job: TrainingJob, records: Records, report: ReportSteps
    ) -> Iterator[KeptState]:
        """Train one job, giving each state to keep when it is reached.

        Raises NetworkError where the network draws numbers that nobody can seed, or normalises
        a batch of one record.
        """
        started = time.perf_counter()
        table = None
        if job.targets is not None:
            table = TargetTable([job], records.labels, self.spec.classes)
        self._check(optimizer, job, records, table)
        self._start(optimizer, job)
        reported, last = 0, len(job.batches)
        for step, rate in enumerate(job.learning_rates, start=1):
            loss = self._steps.take(self._given(job, step - 1, records, table), float(rate))
            if step % CHECK_EVERY == 0 or step in job.keep or step == last:
                if not np.isfinite(loss.asnumpy()):
                    raise DivergedError(job.name, step)
                report(step - reported)
                reported = step
            if step in job.keep or step == last:
                state = self._steps.moments().state(unload(self.cell))
                # MindSpore's ReLU turns NaN to 0, so that a loss may look well when weights
                # are not.
                if not all(np.isfinite(array).all() for array in state.weights.values()):
                    raise DivergedError(job.name, step)
                yield KeptState(job.name, step, state, time.perf_counter() - started)

    def _start(self, optimizer: Optimizer, job: TrainingJob) -> None:
        load(self.cell, job.start.weights, self.spec)
        shapes = {name: tuple(found.shape) for name, found in self._trained.items()}
        start = moments_of(job.start, optimizer, shapes)
        masks = [mask[0] for mask in stack_masks(self.spec, [job], shapes, 1).values()]
        self._steps.start(optimizer, start, masks, self._on_host)

    def _given(
        self, job: TrainingJob, step: int, records: Records, table: Optional[TargetTable]
    ) -> tuple[Tensor, Tensor, Tensor]:
        if self._key is not None:
            write_key(self._key, job.stream, job.start.steps + step)
        batch, shares = job.batches[step], job_shares(job, step, step + 1)[0]
        real = batch != NO_RECORD
        if self._normalises:
            batch, shares = batch[real], shares[real]
        rows = np.where(batch != NO_RECORD, batch, 0)
        truth = records.labels[rows].astype(np.int32)
        if table is not None:
            truth = table.distributions[table.places(rows[None, None])[0, 0]]
        return Tensor(records.inputs(rows)), Tensor(truth), Tensor(shares)

    def _check(
        self,
        optimizer: Optimizer,
        job: TrainingJob,
        records: Records,
        table: Optional[TargetTable],
    ) -> None:
        if self._normalises and ((job.batches != NO_RECORD).sum(axis=1) == 1).any():
            raise NetworkError(
                f"network '{self.spec.name}' normalises over the batch, and model '{job.name}' "
                "has a batch of one record: choose another batch size"
            )
        if self._repeats or not len(job.batches):
            return
        # What a network draws by itself shows when the same step gives something else.
        first, second = (self._tried(optimizer, job, records, table) for _ in range(2))
        if any(not np.array_equal(one, other, equal_nan=True) for one, other in zip(first, second)):
            raise NetworkError(
                f"network '{self.spec.name}' draws random numbers that MindSpore cannot repeat: "
                "of what draws, only the layers nn.Dropout, Dropout1d, Dropout2d and Dropout3d "
                "can be used"
            )
        self._repeats = True

    def _tried(
        self,
        optimizer: Optimizer,
        job: TrainingJob,
        records: Records,
        table: Optional[TargetTable],
    ) -> list[np.ndarray]:
        self._start(optimizer, job)
        loss = self._steps.take(self._given(job, 0, records, table), float(job.learning_rates[0]))
        return [loss.asnumpy().copy(), *(found.copy() for found in self._steps.moments().first)]
