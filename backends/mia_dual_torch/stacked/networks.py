"""The networks that have layers written for many models at once."""

from __future__ import annotations

import math

from mia_dual.interface import NetworkSpec
from mia_dual_torch.stacked.inputs import Inputs, Maps, Vectors
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

PADDING = 2
"""Zeros on each side of what LeNet5 is given."""


def network_of(spec: NetworkSpec, space: Workspace) -> tuple[Inputs, list[Layer]]:
    """The layers of ``spec``, first to last, and what the first is given; what
    :mod:`mia_dual.networks` says they are.
    """
    return {"fcnet": _fcnet, "convnet": _convnet, "lenet5": _lenet5}[spec.name](spec, space)


def _fcnet(spec: NetworkSpec, space: Workspace) -> tuple[Inputs, list[Layer]]:
    return Vectors(space, spec.input_shape), [
        *_dense(space, "fc1", math.prod(spec.input_shape), spec.hidden, first=True),
        Relu(),
        *_dense(space, "fc2", spec.hidden, spec.classes),
    ]


def _convnet(spec: NetworkSpec, space: Workspace) -> tuple[Inputs, list[Layer]]:
    channels, height, width = spec.input_shape
    first = PooledConvolution(space, "conv1", (channels, height, width), 6, 5, True, feeds=True)
    second = PooledConvolution(space, "conv2", first.shape, 16, 5)
    features = math.prod(second.shape)
    return Maps(space, spec.input_shape, first.takes), [
        *_most_of(space, "conv1", first),
        *_most_of(space, "conv2", second),
        Flatten(space, second.shape),
        *_dense(space, "fc1", features, 120),
        Relu(),
        *_dense(space, "fc2", 120, 84),
        Relu(),
        *_dense(space, "fc3", 84, spec.classes),
    ]


def _lenet5(spec: NetworkSpec, space: Workspace) -> tuple[Inputs, list[Layer]]:
    channels, height, width = spec.input_shape
    padded = (channels, height + 2 * PADDING, width + 2 * PADDING)
    first = PooledConvolution(space, "conv1", padded, 6, 5, True, feeds=True)
    second = PooledConvolution(space, "conv2", first.shape, 16, 5)
    shape = second.shape
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
    return Maps(space, spec.input_shape, first.takes, PADDING), [
        *_mean_of(space, "conv1", first),
        *_mean_of(space, "conv2", second),
        *last,
        *_dense(space, "fc1", features, 84),
        *_dense(space, "fc2", 84, spec.classes),
    ]


def _dense(
    space: Workspace, name: str, features_in: int, features: int, first: bool = False
) -> list[Layer]:
    return [
        Linear(space, name, features_in, features, first),
        Bias(space, name, features, of="vectors"),
    ]


def _most_of(space: Workspace, name: str, convolution: PooledConvolution) -> list[Layer]:
    # A channel's bias and ReLU keep order, so they may come after the maximum, on a quarter.
    bias = Bias(space, name, convolution.shape[0], of="maps")
    return [convolution, MaxPool(space, convolution.gives), bias, Relu()]


def _mean_of(space: Workspace, name: str, convolution: PooledConvolution) -> list[Layer]:
    bias = Bias(space, name, convolution.shape[0], of="planes")
    return [convolution, bias, Sigmoid(), MeanPool(space, convolution.gives)]
