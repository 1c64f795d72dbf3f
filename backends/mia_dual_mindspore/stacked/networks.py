"""The networks that have layers written for many models at once."""

from __future__ import annotations

import math

from mindspore import Tensor, nn

from mia_dual.interface import NetworkSpec
from mia_dual_mindspore.stacked.layers import (
    Convolution,
    Flatten,
    Linear,
    MaxPooled,
    MeanPooled,
)


def build_stacked(spec: NetworkSpec, models: int, records: int) -> nn.Cell:
    """``models`` models of ``spec`` that see ``records`` records a step.

    Takes (models, records, features), or what its first convolution's ``windows`` gives of
    (models, records, channels, height, width); gives logits (models, records, classes).
    """
    networks = {"fcnet": FCNet, "convnet": ConvNet, "lenet5": LeNet5}
    return networks[spec.name](spec, models, records)


class FCNet(nn.Cell):
    """See :mod:`mia_dual.networks`."""

    def __init__(self, spec: NetworkSpec, models: int, records: int) -> None:
        super().__init__()
        self.fc1 = Linear(models, math.prod(spec.input_shape), spec.hidden)
        self.fc2 = Linear(models, spec.hidden, spec.classes)
        self.relu = nn.ReLU()

    def construct(self, vectors: Tensor) -> Tensor:
        """Logits (models, records, classes)."""
        return self.fc2(self.relu(self.fc1(vectors)))


class ConvNet(nn.Cell):
    """See :mod:`mia_dual.networks`."""

    def __init__(self, spec: NetworkSpec, models: int, records: int) -> None:
        super().__init__()
        channels, height, width = spec.input_shape
        self.conv1 = MaxPooled(models, records, (channels, height, width), 6, first=True)
        self.conv2 = MaxPooled(models, records, self.conv1.shape, 16)
        self.flatten = Flatten(models, records)
        self.fc1 = Linear(models, math.prod(self.conv2.shape), 120)
        self.fc2 = Linear(models, 120, 84)
        self.fc3 = Linear(models, 84, spec.classes)
        self.relu = nn.ReLU()

    def construct(self, windows: Tensor) -> Tensor:
        """Logits (models, records, classes)."""
        vectors = self.flatten(self.conv2(self.conv1(windows)))
        vectors = self.relu(self.fc1(vectors))
        return self.fc3(self.relu(self.fc2(vectors)))


class LeNet5(nn.Cell):
    """See :mod:`mia_dual.networks`."""

    def __init__(self, spec: NetworkSpec, models: int, records: int) -> None:
        super().__init__()
        channels, height, width = spec.input_shape
        given = (channels, height, width)
        self.conv1 = MeanPooled(models, records, given, 6, padding=2, first=True)
        self.conv2 = MeanPooled(models, records, self.conv1.shape, 16)
        self.conv3 = Convolution(models, records, self.conv2.shape, 120, block=1)
        self.flatten = Flatten(models, records)
        self.fc1 = Linear(models, math.prod(self.conv3.shape), 84)
        self.fc2 = Linear(models, 84, spec.classes)

    def construct(self, windows: Tensor) -> Tensor:
        """Logits (models, records, classes)."""
        return self.fc2(self.fc1(self.flatten(self.conv3(self.conv2(self.conv1(windows))))))
