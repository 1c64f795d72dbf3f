"""The networks of :mod:`mia_dual.networks` as MindSpore cells; attribute names are canonical."""

from __future__ import annotations

from mindspore import Tensor, nn, ops

from mia_dual.interface import NetworkSpec
from mia_dual.networks import check_spec, flattened, from_factory, is_factory


def build(spec: NetworkSpec) -> nn.Cell:
    """The cell of ``spec``, with whatever weights MindSpore gave it.

    Raises NetworkError for an unknown network, a factory that cannot be used, or an input shape
    that the network cannot take.
    """
    if is_factory(spec.name):
        return from_factory(spec, nn.Cell, lambda cell: _logits_shape(cell, spec))
    check_spec(spec)
    return {"fcnet": FCNet, "convnet": ConvNet, "lenet5": LeNet5, "resnet18": ResNet18}[spec.name](
        spec
    )


def _logits_shape(cell: nn.Cell, spec: NetworkSpec) -> tuple[int, ...]:
    return tuple(cell.set_train(False)(ops.zeros((2, *spec.input_shape))).shape)


class FCNet(nn.Cell):
    """One hidden layer."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        self.fc1 = nn.Dense(flattened(spec), spec.hidden)
        self.fc2 = nn.Dense(spec.hidden, spec.classes)

    def construct(self, inputs: Tensor) -> Tensor:
        """Logits (records, classes)."""
        hidden = self.fc1(inputs.reshape(inputs.shape[0], -1))
        return self.fc2(ops.relu(hidden))


class ConvNet(nn.Cell):
    """Two convolutions, three linear layers."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        channels = spec.input_shape[0]
        self.conv1 = _conv(channels, 6, 5, bias=True)
        self.conv2 = _conv(6, 16, 5, bias=True)
        self.pool = nn.MaxPool2d(2, 2)
        self.fc1 = nn.Dense(flattened(spec), 120)
        self.fc2 = nn.Dense(120, 84)
        self.fc3 = nn.Dense(84, spec.classes)

    def construct(self, images: Tensor) -> Tensor:
        """Logits (records, classes)."""
        maps = self.pool(ops.relu(self.conv1(images)))
        maps = self.pool(ops.relu(self.conv2(maps)))
        hidden = ops.relu(self.fc1(maps.reshape(maps.shape[0], -1)))
        return self.fc3(ops.relu(self.fc2(hidden)))


class LeNet5(nn.Cell):
    """LeCun's network with sigmoids and average pools."""

    def __init__(self, spec: NetworkSpec) -> None:
        super().__init__()
        channels = spec.input_shape[0]
        self.conv1 = _conv(channels, 6, 5, padding=2, bias=True)
        self.conv2 = _conv(6, 16, 5, bias=True)
        self.conv3 = _conv(16, 120, 5, bias=True)
        self.pool = nn.AvgPool2d(2, 2)
        self.fc1 = nn.Dense(flattened(spec), 84)
        self.fc2 = nn.Dense(84, spec.classes)

    def construct(self, images: Tensor) -> Tensor:
        """Logits (records, classes)."""
        maps = self.pool(ops.sigmoid(self.conv1(images)))
        maps = self.pool(ops.sigmoid(self.conv2(maps)))
        maps = self.conv3(maps)
        return self.fc2(self.fc1(maps.reshape(maps.shape[0], -1)))


class ResidualBlock(nn.Cell):
    """Two 3x3 convolutions and a shortcut; halves the image where the channels change."""

    def __init__(self, channels_in: int, channels_out: int) -> None:
        super().__init__()
        self.changes = channels_in != channels_out
        stride = 2 if self.changes else 1
        self.conv1 = _conv(channels_in, channels_out, 3, stride, padding=1)
        self.bn1 = nn.BatchNorm2d(channels_out)
        self.conv2 = _conv(channels_out, channels_out, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(channels_out)
        if self.changes:
            self.shortcut_conv = _conv(channels_in, channels_out, 1, stride)
            self.shortcut_bn = nn.BatchNorm2d(channels_out)

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
        self.conv1 = _conv(spec.input_shape[0], 32, 3, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(32)
        self.block1 = ResidualBlock(32, 64)
        self.block2 = ResidualBlock(64, 128)
        self.block3 = ResidualBlock(128, 256)
        self.block4 = ResidualBlock(256, 256)
        self.fc = nn.Dense(256, spec.classes)

    def construct(self, images: Tensor) -> Tensor:
        """Logits (records, classes)."""
        maps = ops.relu(self.bn1(self.conv1(images)))
        maps = self.block4(self.block3(self.block2(self.block1(maps))))
        return self.fc(maps.mean((2, 3)))


def _conv(
    channels_in: int,
    channels_out: int,
    kernel: int,
    stride: int = 1,
    padding: int = 0,
    bias: bool = False,
) -> nn.Conv2d:
    # MindSpore's own default pads to keep the size; "pad" means what PyTorch means.
    return nn.Conv2d(
        channels_in,
        channels_out,
        kernel,
        stride,
        pad_mode="pad",
        padding=padding,
        has_bias=bias,
    )
