"""The scikit-learn backend: what :class:`mia_dual.interface.Backend` asks, of models that are no
networks.

A model is fitted once, on the records of its whole training, with its job's stream as the random
state; epochs, batches, rates and the optimizer mean nothing to it. It answers with the logarithms
of its probabilities (:data:`mia_dual_sklearn.fitting.FLOOR` says how 0 and 1 become finite).
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import sklearn

from mia_dual.errors import BackendError
from mia_dual.execution import DEFAULT, Execution
from mia_dual.interface import (
    NO_RECORD,
    Capability,
    KeptState,
    NetworkSpec,
    Optimizer,
    Records,
    ReportSteps,
    State,
    TrainingJob,
    Weights,
)
from mia_dual_sklearn.fitting import fit, log_probabilities
from mia_dual_sklearn.kinds import KINDS, kind_of
from mia_dual_sklearn.storage import pack, unpack
from mia_dual_sklearn.workers import run


class SklearnBackend:
    """scikit-learn on the CPU."""

    name = "sklearn"
    capabilities: frozenset[Capability] = frozenset()
    networks = tuple(KINDS)

    def __init__(self, device: str, execution: Execution = DEFAULT) -> None:
        if device not in ("auto", *self.devices()):
            raise BackendError(
                f"device '{device}' is not to be had by backend 'sklearn': choose auto or cpu"
            )
        self._execution = execution

    @staticmethod
    def devices() -> list[str]:
        """The CPU alone."""
        return ["cpu"]

    def environment(self) -> dict[str, str]:
        """Framework, its version and the device; nothing else moves a bit of a model."""
        return {"framework": "scikit-learn", "version": sklearn.__version__, "device": "cpu"}

    def fresh(self, spec: NetworkSpec, seed: int) -> dict[str, np.ndarray]:
        """Nothing: a model that is not fitted holds only its options, which are looked at here."""
        kind_of(spec)
        return {}

    def train(
        self,
        spec: NetworkSpec,
        optimizer: Optimizer,
        jobs: Sequence[TrainingJob],
        records: Records,
        report: ReportSteps,
    ) -> Iterator[KeptState]:
        """Fit a model for each of ``jobs``; see the protocol."""
        kind_of(spec)
        for job in jobs:
            if job.targets is not None:
                raise BackendError(
                    f"backend 'sklearn' learns labels alone, and '{job.name}' is to learn "
                    "distributions: choose a backend of networks"
                )
            if job.mask is not None:
                raise BackendError(
                    f"backend 'sklearn' trains whole models alone, and '{job.name}' has a mask: "
                    "choose a backend of networks"
                )
        steps = {job.name: len(job.batches) for job in jobs}
        for kept in run([partial(_fit, spec, job, records) for job in jobs], self._execution):
            report(steps[kept.name])
            yield kept

    def logits(
        self, spec: NetworkSpec, models: Sequence[Weights], records: Records, rows: np.ndarray
    ) -> np.ndarray:
        """Logarithms of probabilities: (models, rows, classes) float32; see the protocol."""
        answers = np.zeros((*rows.shape, spec.classes), np.float32)

        def answer(place: int) -> None:
            asked = rows[place] != NO_RECORD
            if asked.any():
                model = unpack(spec, models[place])
                answers[place, asked] = log_probabilities(spec, model, records, rows[place][asked])

        for _ in run([partial(answer, place) for place in range(len(models))], self._execution):
            pass
        return answers


def _fit(spec: NetworkSpec, job: TrainingJob, records: Records) -> KeptState:
    started = time.perf_counter()
    weights = pack(fit(spec, job, records))
    steps = len(job.batches)
    state = State(weights, steps=job.start.steps + steps)
    return KeptState(job.name, steps, state, time.perf_counter() - started)
