"""The PyTorch backend: what :class:`mia_dual.interface.Backend` asks, on CUDA or a CPU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from mia_dual.errors import BackendError
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
from mia_dual.networks import NETWORKS
from mia_dual_torch.gradients import gradient_norms
from mia_dual_torch.networks import build
from mia_dual_torch.query import ask
from mia_dual_torch.training import train
from mia_dual_torch.weights import unload


class TorchBackend:
    """PyTorch on one device, ``cuda`` or ``cpu``."""

    name = "torch"
    capabilities = frozenset(Capability)
    networks = NETWORKS

    def __init__(self, device: str, execution: Execution = DEFAULT) -> None:
        available = self.devices()
        chosen = available[0] if device == "auto" else device
        if chosen not in available:
            raise BackendError(
                f"device '{device}' is not to be had by backend 'torch' here: "
                f"choose one of auto, {', '.join(available)}"
            )
        self._device = torch.device(chosen)
        self._execution = execution
        # Runs of one config must end in the same bytes; both flags only narrow kernel choice.
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True

    @staticmethod
    def devices() -> list[str]:
        """``cuda`` where a GPU answers, then ``cpu``."""
        return ["cuda", "cpu"] if torch.cuda.is_available() else ["cpu"]

    def environment(self) -> dict[str, str]:
        """Framework, its version, the device, and whether models are trained together."""
        found = {
            "framework": "torch",
            "version": torch.__version__,
            "device": self._device.type,
            "together": self._execution.together,
        }
        if self._device.type == "cuda":
            found["gpu"] = torch.cuda.get_device_name(self._device)
        return found

    def fresh(self, spec: NetworkSpec, seed: int) -> dict[str, np.ndarray]:
        """What a new model holds; see the protocol."""
        return unload(build(spec, seed))

    def train(
        self,
        spec: NetworkSpec,
        optimizer: Optimizer,
        jobs: Sequence[TrainingJob],
        records: Records,
        report: ReportSteps,
    ) -> Iterator[KeptState]:
        """Train ``jobs``; see the protocol."""
        return train(spec, optimizer, jobs, records, report, self._device, self._execution)

    def logits(
        self, spec: NetworkSpec, models: Sequence[Weights], records: Records, rows: np.ndarray
    ) -> np.ndarray:
        """Logits in evaluation mode: (models, rows, classes) float32; see the protocol."""
        return ask(spec, models, records, rows, self._device, self._execution)

    def gradient_norms(
        self, spec: NetworkSpec, models: Sequence[Weights], records: Records, rows: np.ndarray
    ) -> GradientNorms:
        """Norms of the loss's gradients, record by record; see the protocol."""
        return gradient_norms(spec, models, records, rows, self._device, self._execution)
