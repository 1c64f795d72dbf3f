"""The networks of :mod:`mia_dual.networks` as PyTorch modules; attribute names are canonical."""

from __future__ import annotations

from typing import Callable, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from mia_dual.errors import NetworkError
from mia_dual.exhaustion import out_of_memory
from mia_dual.interface import NetworkSpec
from mia_dual.networks import check_spec, flattened, from_factory, is_factory
from mia_dual_torch.draws import drawing_from
from mia_dual_torch.weights import trained

Answer = TypeVar("Answer")


def build(spec: NetworkSpec, seed: int = 0) -> nn.Module:
    """The module of ``spec`` as PyTorch builds it, drawing from ``seed`` alone.

    Raises NetworkError for an unknown network, a factory that cannot be used, or an input shape
    that the network cannot take.
    """
    with drawing_from(seed):
        if is_factory(spec.name):
            return _checked(
                from_factory(spec, nn.Module, lambda module: _logits_shape(module, spec)), spec
            )
        check_spec(spec)
        kinds = {"fcnet": FCNet, "convnet": ConvNet, "lenet5": LeNet5, "resnet18": ResNet18}
        return kinds[spec.name](spec)


def forward(spec: NetworkSpec, module: Callable[..., Answer], *given: object) -> Answer:
    """``module(*given)``; raises NetworkError of one line where it fails, as normalisation does
    on a batch of one record.
    """
    try:
        return module(*given)
    except Exception as error:  # the user's own code may raise anything
        exhausted = out_of_memory(error)
        if exhausted is not None:
            raise exhausted from error
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise NetworkError(
            f"network '{spec.name}' fails on a batch of records: {reason}"
        ) from error


def _checked(module: nn.Module, spec: NetworkSpec) -> nn.Module:
    for name, parameter in trained(module).items():
        if parameter.dtype != torch.float32:
            raise NetworkError(
                f"network '{spec.name}' has a parameter '{name}' of {parameter.dtype}: "
                "those that are trained must be torch.float32"
            )
    return module


def _logits_shape(module: nn.Module, spec: NetworkSpec) -> tuple[int, ...]:
    with torch.inference_mode():
        return tuple(module.eval()(torch.zeros(2, *spec.input_shape)).shape)


class FCNet(nn.Module):
    """One hidden layer."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.fc1 = nn.Linear(flattened(spec), spec.hidden)
        self.fc2 = nn.Linear(spec.hidden, spec.classes)

    def forward(self, inputs: Tensor) -> Tensor:
        """Logits (records, classes)."""
        hidden: Tensor = self.fc1(inputs.flatten(1))
        logits: Tensor = self.fc2(functional.relu(hidden))
        return logits


class ConvNet(nn.Module):
    """Two convolutions, three linear layers."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        channels = spec.input_shape[0]
        self.conv1 = nn.Conv2d(channels, 6, 5)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.fc1 = nn.Linear(flattened(spec), 120)
        self.fc2 = nn.Linear(120, 84)
        self.fc3 = nn.Linear(84, spec.classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (records, classes)."""
        maps = functional.max_pool2d(functional.relu(self.conv1(images)), 2)
        maps = functional.max_pool2d(functional.relu(self.conv2(maps)), 2)
        hidden = functional.relu(self.fc1(maps.flatten(1)))
        logits: Tensor = self.fc3(functional.relu(self.fc2(hidden)))
        return logits


class LeNet5(nn.Module):
    """LeCun's network with sigmoids and average pools."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        channels = spec.input_shape[0]
        self.conv1 = nn.Conv2d(channels, 6, 5, padding=2)
        self.conv2 = nn.Conv2d(6, 16, 5)
        self.conv3 = nn.Conv2d(16, 120, 5)
        self.fc1 = nn.Linear(flattened(spec), 84)
        self.fc2 = nn.Linear(84, spec.classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (records, classes)."""
        maps = functional.avg_pool2d(torch.sigmoid(self.conv1(images)), 2)
        maps = functional.avg_pool2d(torch.sigmoid(self.conv2(maps)), 2)
        logits: Tensor = self.fc2(self.fc1(self.conv3(maps).flatten(1)))
        return logits


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions and a shortcut; halves the image where the channels change."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.changes = channels_in != channels_out
        stride = 2 if self.changes else 1
        self.conv1 = nn.Conv2d(channels_in, channels_out, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels_out)
        self.conv2 = nn.Conv2d(channels_out, channels_out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels_out)
        if self.changes:
            self.shortcut_conv = nn.Conv2d(channels_in, channels_out, 1, stride, bias=False)
            self.shortcut_bn = nn.BatchNorm2d(channels_out)

    def forward(self, maps: Tensor) -> Tensor:
        """The block's maps (records, channels_out, height, width)."""
        shortcut = self.shortcut_bn(self.shortcut_conv(maps)) if self.changes else maps
        maps = functional.relu(self.bn1(self.conv1(maps)))
        return functional.relu(self.bn2(self.conv2(maps)) + shortcut)


class ResNet18(nn.Module):
    """The tutorial's small residual network."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(spec.input_shape[0], 32, 3, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(32)
        self.block1 = ResidualBlock(32, 64)
        self.block2 = ResidualBlock(64, 128)
        self.block3 = ResidualBlock(128, 256)
        self.block4 = ResidualBlock(256, 256)
        self.fc = nn.Linear(256, spec.classes)

    def forward(self, images: Tensor) -> Tensor:
        """Logits (records, classes)."""
        maps = functional.relu(self.bn1(self.conv1(images)))
        maps = self.block4(self.block3(self.block2(self.block1(maps))))
        logits: Tensor = self.fc(maps.mean((2, 3)))
        return logits
