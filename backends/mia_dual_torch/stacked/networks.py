"""The networks that have layers written for many models at once."""

from __future__ import annotations

import math

from mia_dual.interface import NetworkSpec
from mia_dual_torch.stacked.layers import (
    Bias,
    Convolution,
    Flatten,
    Layer,
    Linear,
    Relu,
    Sigmoid,
    Workspace,
)
from mia_dual_torch.stacked.pooled import MaxPool, MeanPool, PooledConvolution

LAYERED = ("fcnet", "convnet", "lenet5")
"""Networks that are a chain of the layers there are. The others are trained through vmap."""

Maps = tuple[int, int, int]


def layers_of(spec: NetworkSpec, space: Workspace) -> list[Layer]:
    """The layers of ``spec``, first to last; what :mod:`mia_dual.networks` says they are."""
    return {"fcnet": _fcnet, "convnet": _convnet, "lenet5": _lenet5}[spec.name](spec, space)


def _fcnet(spec: NetworkSpec, space: Workspace) -> list[Layer]:
    return [
        *_dense(space, "fc1", math.prod(spec.input_shape), spec.hidden, first=True),
        Relu(),
        *_dense(space, "fc2", spec.hidden, spec.classes),
    ]


def _convnet(spec: NetworkSpec, space: Workspace) -> list[Layer]:
    first, shape = _pooled(space, "conv1", _maps(spec), 6, first=True)
    second, shape = _pooled(space, "conv2", shape, 16)
    return [
        *first,
        *second,
        Flatten(space, shape),
        *_dense(space, "fc1", math.prod(shape), 120),
        Relu(),
        *_dense(space, "fc2", 120, 84),
        Relu(),
        *_dense(space, "fc3", 84, spec.classes),
    ]


def _lenet5(spec: NetworkSpec, space: Workspace) -> list[Layer]:
    first, shape = _averaged(space, "conv1", _maps(spec), 6, padding=2, first=True)
    second, shape = _averaged(space, "conv2", shape, 16)
    if shape[1:] == (5, 5):
        # The kernel covers the map: one product of vectors.
        last: list[Layer] = [
            Flatten(space, shape),
            Linear(space, "conv3", math.prod(shape), 120, shape=(120, *shape)),
            Bias(space, "conv3", 120, of="vectors"),
        ]
        features = 120
    else:
        convolution = Convolution(space, "conv3", shape, 120, 5)
        last = [
            convolution,
            Bias(space, "conv3", 120, of="maps"),
            Flatten(space, convolution.shape),
        ]
        features = math.prod(convolution.shape)
    return [
        *first,
        *second,
        *last,
        *_dense(space, "fc1", features, 84),
        *_dense(space, "fc2", 84, spec.classes),
    ]


def _maps(spec: NetworkSpec) -> Maps:
    channels, height, width = spec.input_shape
    return channels, height, width


def _dense(
    space: Workspace, name: str, features_in: int, features: int, first: bool = False
) -> list[Layer]:
    return [
        Linear(space, name, features_in, features, first),
        Bias(space, name, features, of="vectors"),
    ]


def _pooled(
    space: Workspace, name: str, given: Maps, channels: int, first: bool = False
) -> tuple[list[Layer], Maps]:
    convolution = PooledConvolution(space, name, given, channels, 5, first=first)
    pool = MaxPool(space, convolution.shape)
    # A channel's bias and ReLU keep order, so they may come after the maximum, on a quarter.
    bias = Bias(space, name, channels, of="maps")
    return [convolution, pool, bias, Relu()], convolution.shape


def _averaged(
    space: Workspace, name: str, given: Maps, channels: int, padding: int = 0, first: bool = False
) -> tuple[list[Layer], Maps]:
    convolution = PooledConvolution(space, name, given, channels, 5, padding, first)
    bias = Bias(space, name, channels, of="planes")
    pool = MeanPool(space, convolution.shape)
    return [convolution, bias, Sigmoid(), pool], convolution.shape
