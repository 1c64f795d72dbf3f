"""The networks of :mod:`mia_dual.networks` as MindSpore cells; attribute names are canonical."""

from __future__ import annotations

import importlib

from mindspore import Tensor, nn, ops

from mia_dual.errors import NetworkError
from mia_dual.interface import NetworkSpec
from mia_dual.networks import NETWORKS, is_factory


def build(spec: NetworkSpec) -> nn.Cell:
    """The cell of ``spec``, with whatever weights MindSpore gave it.

    Raises NetworkError for an unknown network, a factory that cannot be used, or an input shape
    that the network cannot take.
    """
    if is_factory(spec.name):
        return _from_factory(spec)
    if spec.name not in NETWORKS:
        raise NetworkError(
            f"no network '{spec.name}': choose one of {', '.join(NETWORKS)}, "
            "or name your own as package.module:factory"
        )
    if spec.name == "fcnet":
        return FCNet(spec)
    if len(spec.input_shape) != 3:
        raise NetworkError(
            f"network '{spec.name}' takes images (channels, height, width), "
            f"not records of shape {spec.input_shape}: use fcnet"
        )
    return {"convnet": ConvNet, "lenet5": LeNet5, "resnet18": ResNet18}[spec.name](spec)


def _from_factory(spec: NetworkSpec) -> nn.Cell:
    module_name, _, factory_name = spec.name.partition(":")
    try:
        factory = getattr(importlib.import_module(module_name), factory_name)
    except (ImportError, AttributeError) as error:
        raise NetworkError(f"network '{spec.name}' cannot be imported: {error}") from error
    cell = factory(spec.input_shape, spec.classes)
    if not isinstance(cell, nn.Cell):
        raise NetworkError(
            f"network '{spec.name}' returned {type(cell).__name__}, not a mindspore.nn.Cell"
        )
    return cell


def _conv(channels_in: int, channels_out: int, side: int, padding: int = 0) -> nn.Conv2d:
    return nn.Conv2d(
        channels_in, channels_out, side, pad_mode="pad", padding=padding, has_bias=True
    )


def _conv_no_bias(
    channels_in: int, channels_out: int, side: int, stride: int, padding: int
) -> nn.Conv2d:
    return nn.Conv2d(channels_in, channels_out, side, stride, pad_mode="pad", padding=padding)


def _batch_norm(channels: int) -> nn.BatchNorm2d:
    # MindSpore's momentum is the share that is kept, PyTorch's the share that is replaced.
    return nn.BatchNorm2d(channels, eps=1e-5, momentum=0.9)


class FCNet(nn.Cell):
    """One hidden layer."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.flatten = nn.Flatten()
        self.fc1 = nn.Dense(_size(spec.input_shape), spec.hidden)
        self.fc2 = nn.Dense(spec.hidden, spec.classes)

    def construct(self, inputs: Tensor) -> Tensor:
        """Logits (records, classes)."""
        return self.fc2(ops.relu(self.fc1(self.flatten(inputs))))


class ConvNet(nn.Cell):
    """Two convolutions, three linear layers."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        channels, height, width = spec.input_shape
        left = _positive(spec, [((side - 4) // 2 - 4) // 2 for side in (height, width)])
        self.conv1 = _conv(channels, 6, 5)
        self.conv2 = _conv(6, 16, 5)
        self.pool = nn.MaxPool2d(2, stride=2)
        self.flatten = nn.Flatten()
        self.fc1 = nn.Dense(16 * left, 120)
        self.fc2 = nn.Dense(120, 84)
        self.fc3 = nn.Dense(84, spec.classes)

    def construct(self, images: Tensor) -> Tensor:
        """Logits (records, classes)."""
        maps = self.pool(ops.relu(self.conv1(images)))
        maps = self.pool(ops.relu(self.conv2(maps)))
        hidden = ops.relu(self.fc1(self.flatten(maps)))
        return self.fc3(ops.relu(self.fc2(hidden)))


class LeNet5(nn.Cell):
    """LeCun's network with sigmoids and average pools."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        channels, height, width = spec.input_shape
        left = _positive(spec, [(side // 2 - 4) // 2 - 4 for side in (height, width)])
        self.conv1 = _conv(channels, 6, 5, padding=2)
        self.conv2 = _conv(6, 16, 5)
        self.conv3 = _conv(16, 120, 5)
        self.pool = nn.AvgPool2d(2, stride=2)
        self.flatten = nn.Flatten()
        self.fc1 = nn.Dense(120 * left, 84)
        self.fc2 = nn.Dense(84, spec.classes)

    def construct(self, images: Tensor) -> Tensor:
        """Logits (records, classes)."""
        maps = self.pool(ops.sigmoid(self.conv1(images)))
        maps = self.pool(ops.sigmoid(self.conv2(maps)))
        return self.fc2(self.fc1(self.flatten(self.conv3(maps))))


class ResidualBlock(nn.Cell):
    """Two 3x3 convolutions and a shortcut; halves the image where the channels change."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.changes = channels_in != channels_out
        stride = 2 if self.changes else 1
        self.conv1 = _conv_no_bias(channels_in, channels_out, 3, stride, padding=1)
        self.bn1 = _batch_norm(channels_out)
        self.conv2 = _conv_no_bias(channels_out, channels_out, 3, 1, padding=1)
        self.bn2 = _batch_norm(channels_out)
        if self.changes:
            self.shortcut_conv = _conv_no_bias(channels_in, channels_out, 1, stride, padding=0)
            self.shortcut_bn = _batch_norm(channels_out)

    def construct(self, maps: Tensor) -> Tensor:
        """The block's maps (records, channels_out, height, width)."""
        shortcut = maps
        if self.changes:
            shortcut = self.shortcut_bn(self.shortcut_conv(maps))
        maps = ops.relu(self.bn1(self.conv1(maps)))
        return ops.relu(self.bn2(self.conv2(maps)) + shortcut)


class ResNet18(nn.Cell):
    """The tutorial's small residual network."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.conv1 = _conv_no_bias(spec.input_shape[0], 32, 3, 3, padding=1)
        self.bn1 = _batch_norm(32)
        self.block1 = ResidualBlock(32, 64)
        self.block2 = ResidualBlock(64, 128)
        self.block3 = ResidualBlock(128, 256)
        self.block4 = ResidualBlock(256, 256)
        self.fc = nn.Dense(256, spec.classes)

    def construct(self, images: Tensor) -> Tensor:
        """Logits (records, classes)."""
        maps = ops.relu(self.bn1(self.conv1(images)))
        maps = self.block4(self.block3(self.block2(self.block1(maps))))
        return self.fc(ops.mean(maps, (2, 3)))


def _size(shape: tuple[int, ...]) -> int:
    size = 1
    for side in shape:
        size *= side
    return size


def _positive(spec: NetworkSpec, sides: list[int]) -> int:
    if min(sides) < 1:
        raise NetworkError(
            f"network '{spec.name}' cannot take records of shape {spec.input_shape}: "
            "enlarge the images (data.image_size) or choose fcnet"
        )
    return sides[0] * sides[1]
