"""The PyTorch backend: what :class:`mia_dual.interface.Backend` asks, on CUDA or a CPU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch

from mia_dual.errors import BackendError
from mia_dual.execution import DEFAULT, Execution
from mia_dual.interface import (
    NetworkSpec,
    Optimizer,
    Records,
    ReportSteps,
    TrainedModel,
    TrainingJob,
    Weights,
)
from mia_dual_torch.networks import build
from mia_dual_torch.records import DeviceRecords
from mia_dual_torch.training import train
from mia_dual_torch.weights import load, shapes

QUERY_BATCH = 256
"""Records a forward pass when a model is queried: more leave the cache, and take twice as long."""


class TorchBackend:
    """PyTorch on one device, ``cuda`` or ``cpu``."""

    name = "torch"

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
        """Framework, its version, and the device."""
        found = {
            "framework": "torch",
            "version": torch.__version__,
            "device": self._device.type,
        }
        if self._device.type == "cuda":
            found["gpu"] = torch.cuda.get_device_name(self._device)
        return found

    def parameter_shapes(self, spec: NetworkSpec) -> dict[str, tuple[int, ...]]:
        """Canonical name -> shape; see the protocol."""
        return shapes(build(spec))

    def train(
        self,
        spec: NetworkSpec,
        optimizer: Optimizer,
        jobs: Sequence[TrainingJob],
        records: Records,
        report: ReportSteps,
    ) -> Iterator[TrainedModel]:
        """Train ``jobs``; see the protocol."""
        return train(spec, optimizer, jobs, records, report, self._device, self._execution)

    def logits(self, spec: NetworkSpec, models: Sequence[Weights], records: Records) -> np.ndarray:
        """Logits in evaluation mode: (models, records, classes) float32."""
        data = DeviceRecords(records, self._device)
        module = build(spec).to(self._device).eval()
        answers = np.empty((len(models), len(records), spec.classes), np.float32)
        with torch.inference_mode():
            for weights, answer in zip(models, answers):
                load(module, weights, spec)
                for start in range(0, len(records), QUERY_BATCH):
                    rows = slice(start, start + QUERY_BATCH)
                    answer[rows] = module(data.inputs(rows)).cpu().numpy()
        return answers
