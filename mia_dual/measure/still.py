"""A backend that computes nothing: what is left of the time is the engine's own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mia_dual.execution import DEFAULT, Execution
from mia_dual.interface import (
    Capability,
    GradientNorms,
    KeptState,
    NetworkSpec,
    Optimizer,
    Records,
    ReportSteps,
    TrainingJob,
    Weights,
)

STILL = f"{__name__}:StillBackend"
"""What an engine knows it by."""


class StillBackend:
    """Gives back the state that a job starts from."""

    name = "still"
    capabilities = frozenset({Capability.STEPS, Capability.WEIGHTS})
    networks = ("fcnet",)

    def __init__(self, device: str, execution: Execution = DEFAULT) -> None:
        """There is nothing to start."""

    @staticmethod
    def devices() -> list[str]:
        """See :class:`mia_dual.interface.Backend`, as below."""
        return ["cpu"]

    def environment(self) -> dict[str, str]:
        """It is the same everywhere."""
        return {"framework": "none", "version": "", "device": "cpu", "together": "auto"}

    def fresh(self, spec: NetworkSpec, seed: int) -> dict[str, np.ndarray]:
        """Nothing."""
        return {}

    def train(
        self,
        spec: NetworkSpec,
        optimizer: Optimizer,
        jobs: Sequence[TrainingJob],
        records: Records,
        report: ReportSteps,
    ) -> Iterator[KeptState]:
        """Every job is done at once."""
        for job in jobs:
            report(len(job.batches))
            yield KeptState(job.name, len(job.batches), job.start, 0.0)

    def logits(
        self, spec: NetworkSpec, models: Sequence[Weights], records: Records, rows: np.ndarray
    ) -> np.ndarray:
        """Zeros."""
        return np.zeros((*rows.shape, spec.classes), np.float32)

    def gradient_norms(
        self, spec: NetworkSpec, models: Sequence[Weights], records: Records, rows: np.ndarray
    ) -> GradientNorms:
        """None."""
        return GradientNorms((), np.zeros((*rows.shape, 0)))
