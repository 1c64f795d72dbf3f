"""The MindSpore backend: what :class:`mia_dual.interface.Backend` asks, on Ascend or a CPU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from mia_dual.execution import DEFAULT, Execution
from mia_dual.interface import (
    Capability,
    NetworkSpec,
    Optimizer,
    Records,
    ReportSteps,
    TrainedModel,
    TrainingJob,
    Weights,
)
from mia_dual.networks import NETWORKS
from mia_dual_mindspore.environment import prepare

prepare()

import mindspore as ms  # noqa: E402  (what it reads from the environment is set first)

from mia_dual_mindspore import device as device_choice  # noqa: E402
from mia_dual_mindspore.training import train  # noqa: E402
from mia_dual_mindspore.weights import shapes  # noqa: E402
from mia_dual_mindspore.workshop import Workshop  # noqa: E402


class MindSporeBackend:
    """MindSpore on one device, ``ascend`` or ``cpu``."""

    name = "mindspore"
    capabilities = frozenset(Capability)
    networks = NETWORKS

    def __init__(self, device: str, execution: Execution = DEFAULT) -> None:
        self._device = device_choice.choose(device)
        self._execution = execution
        self._shop = Workshop(on_host=self._device == "cpu")

    @staticmethod
    def devices() -> list[str]:
        """``ascend`` where a card answers, then ``cpu``."""
        return device_choice.devices()

    def environment(self) -> dict[str, str]:
        """Framework, its version, and the device."""
        return {"framework": "mindspore", "version": ms.__version__, "device": self._device}

    def parameter_shapes(self, spec: NetworkSpec) -> dict[str, tuple[int, ...]]:
        """Canonical name -> shape; see the protocol."""
        return shapes(self._shop.learner(spec).cell)

    def train(
        self,
        spec: NetworkSpec,
        optimizer: Optimizer,
        jobs: Sequence[TrainingJob],
        records: Records,
        report: ReportSteps,
    ) -> Iterator[TrainedModel]:
        """Train ``jobs``; see the protocol."""
        return train(self._shop, spec, optimizer, jobs, records, report, self._execution)

    def logits(self, spec: NetworkSpec, models: Sequence[Weights], records: Records) -> np.ndarray:
        """Logits in evaluation mode: (models, records, classes) float32."""
        return self._shop.query(spec).logits(models, records)
