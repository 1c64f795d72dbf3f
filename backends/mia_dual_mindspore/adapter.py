"""The MindSpore backend: what :class:`mia_dual.interface.Backend` asks, on Ascend or a CPU."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import mindspore
import numpy as np
from mindspore import Tensor

from mia_dual.errors import BackendError
from mia_dual.interface import (
    ImageSet,
    NetworkSpec,
    Optimizer,
    Records,
    ReportSteps,
    TrainedModel,
    TrainingJob,
    Weights,
)
from mia_dual_mindspore.environment import use_device, working_devices
from mia_dual_mindspore.networks import build
from mia_dual_mindspore.training import Trainer
from mia_dual_mindspore.weights import load, shapes

QUERY_BATCH = 1000
"""Records a forward pass when a model is queried: bounds memory, and is past where speed grows."""


class MindSporeBackend:
    """MindSpore on one device, ``ascend`` or ``cpu``."""

    name = "mindspore"

    def __init__(self, device: str) -> None:
        _check_numpy()
        if device == "cuda":
            raise BackendError(
                "device 'cuda' is not to be had by backend 'mindspore', whose packages have no "
                "GPU part since 2.4: take backend 'torch' for cuda"
            )
        available = self.devices()
        chosen = available[0] if device == "auto" else device
        if chosen not in available:
            raise BackendError(
                f"device '{device}' is not to be had by backend 'mindspore' here: "
                f"choose one of auto, {', '.join(available)}"
            )
        self._device = chosen
        self._idle_trainers: dict[tuple[NetworkSpec, Optimizer], Trainer] = {}
        use_device(mindspore, chosen)

    @staticmethod
    def devices() -> list[str]:
        """``ascend`` where there is one, then ``cpu``."""
        return working_devices(mindspore)

    def environment(self) -> dict[str, str]:
        """Framework, its version, and the device."""
        return {
            "framework": "mindspore",
            "version": mindspore.__version__,
            "device": self._device,
        }

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
        # Compiling takes about a second, so a trainer is kept; taken out while at work, so that
        # a second call made before the first has ended gets a cell of its own.
        trainer = self._idle_trainers.pop((spec, optimizer), None) or Trainer(spec, optimizer)
        yield from trainer.train(jobs, records, report)
        self._idle_trainers[spec, optimizer] = trainer

    def logits(self, spec: NetworkSpec, models: Sequence[Weights], records: Records) -> np.ndarray:
        """Logits in evaluation mode: (models, records, classes) float32."""
        cell = build(spec).set_train(False)
        answers = np.empty((len(models), len(records), spec.classes), np.float32)
        for weights, answer in zip(models, answers):
            load(cell, weights, spec)
            for start in range(0, len(records), QUERY_BATCH):
                rows = np.arange(start, min(start + QUERY_BATCH, len(records)))
                answer[rows] = cell(Tensor(records.inputs(rows))).asnumpy()
        return answers

    def read_dataset(self, name: str, folder: Path) -> ImageSet:
        """Read a published data set with MindSpore's readers."""
        from mia_dual_mindspore.datasets import read_dataset

        return read_dataset(name, folder)


def _check_numpy() -> None:
    if int(np.__version__.partition(".")[0]) >= 2:
        raise BackendError(
            f"backend 'mindspore' does not work with NumPy {np.__version__}: pip install 'numpy<2'"
        )
