"""Counted arithmetic: what a network needs at least, whoever computes it and however."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from mia_dual.interface import NO_RECORD, NetworkSpec, TrainingJob
from mia_dual.networks import NETWORKS


def training_flops(spec: NetworkSpec, weights: Mapping[str, np.ndarray]) -> int:
    """Floating-point operations of one record, forward and backward, in products alone.

    A multiplication and an addition count as two. Forward each weight is used once a place;
    backward twice, once for its own gradient and once for its input's, which a first layer does
    not need. ``weights``: those of
    any model of ``spec``. For a user's own network, whose convolutions'
    places nobody knows here, every weight counts one place: a lower bound. A kind of model that
    is no network holds no such weights: 0.
    """
    products = _products(spec, weights)
    return 3 * sum(products) - sum(products[:1])


def jobs_flops(spec: NetworkSpec, jobs: Sequence[TrainingJob]) -> int:
    """Those of all ``jobs``, one at least."""
    seen = sum(int(np.count_nonzero(job.batches != NO_RECORD)) for job in jobs)
    return seen * training_flops(spec, jobs[0].start.weights)


def forward_flops(spec: NetworkSpec, weights: Mapping[str, np.ndarray]) -> int:
    """Those of one record forward alone: what an answer takes; counted as in training."""
    return sum(_products(spec, weights))


def _products(spec: NetworkSpec, weights: Mapping[str, np.ndarray]) -> list[int]:
    """Operations of each layer's product forward, the first layer's first."""
    places = _places(spec) if spec.name in NETWORKS else {}
    return [
        2 * math.prod(array.shape) * places.get(name.removesuffix(".weight"), 1)
        for name, array in weights.items()
        if name.endswith(".weight") and array.ndim > 1
    ]


def _places(spec: NetworkSpec) -> dict[str, int]:
    """Places at which each convolution's kernel is applied; see :mod:`mia_dual.networks`."""
    if spec.name == "fcnet":
        return {}
    sides = spec.input_shape[1:]
    places = {}

    def convolve(name: str, kernel: int, stride: int = 1, padding: int = 0) -> tuple[int, ...]:
        found = tuple((side + 2 * padding - kernel) // stride + 1 for side in sides)
        places[name] = math.prod(found)
        return found

    if spec.name in ("convnet", "lenet5"):
        for name, padding in (("conv1", 2 if spec.name == "lenet5" else 0), ("conv2", 0)):
            sides = tuple(side // 2 for side in convolve(name, 5, padding=padding))
        if spec.name == "lenet5":
            convolve("conv3", 5)
        return places
    sides = convolve("conv1", 3, 3, 1)
    for number in (1, 2, 3, 4):
        # The last block keeps its channels, and so its side.
        stride = 2 if number < 4 else 1
        convolve(f"block{number}.shortcut_conv", 1, stride)
        sides = convolve(f"block{number}.conv1", 3, stride, 1)
        convolve(f"block{number}.conv2", 3, 1, 1)
    return places
