"""The PyTorch backend: what :class:`mia_dual.interface.Backend` asks, on CUDA or a CPU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

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
from mia_dual_torch.cards import check_alike, choose, devices, place_workers
from mia_dual_torch.gradients import gradient_norms
from mia_dual_torch.networks import build
from mia_dual_torch.query import ask
from mia_dual_torch.training import train
from mia_dual_torch.weights import unload


class TorchBackend:
    """PyTorch on a CPU, or on cards: ``cuda`` is all of them, ``cuda:1`` one."""

    name = "torch"
    capabilities = frozenset(Capability)
    networks = NETWORKS

    def __init__(self, device: str, execution: Execution = DEFAULT) -> None:
        self._devices = choose(device)
        self._execution = execution
        check_alike(self._places())
        # Runs of one config must end in the same bytes; both flags only narrow kernel choice.
        torch.backends.cudnn.benchmark = False
        torch.backends.cudnn.deterministic = True

    @staticmethod
    def devices() -> list[str]:
        """``cuda`` where a GPU answers, then ``cpu``."""
        return devices()

    def environment(self) -> dict[str, str]:
        """Framework, its version, the device, and whether models are trained together; of a card
        its name, and not its number.
        """
        device = self._devices[0]
        found = {
            "framework": "torch",
            "version": torch.__version__,
            "device": device.type,
            "together": self._execution.together,
        }
        if device.type == "cuda":
            found["gpu"] = torch.cuda.get_device_name(device)
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
        return train(spec, optimizer, jobs, records, report, self._places(), self._execution)

    def logits(
        self, spec: NetworkSpec, models: Sequence[Weights], records: Records, rows: np.ndarray
    ) -> np.ndarray:
        """Logits in evaluation mode: (models, rows, classes) float32; see the protocol."""
        return ask(spec, models, records, rows, self._places(), self._execution)

    def gradient_norms(
        self, spec: NetworkSpec, models: Sequence[Weights], records: Records, rows: np.ndarray
    ) -> GradientNorms:
        """Norms of the loss's gradients, record by record; see the protocol."""
        return gradient_norms(spec, models, records, rows, self._places(), self._execution)

    def _places(self) -> list[torch.device]:
        return place_workers(self._devices, self._execution.workers)
