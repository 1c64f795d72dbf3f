"""Weights in and out of MindSpore cells, under the canonical names."""

from __future__ import annotations

import numpy as np
from mindspore import Parameter, Tensor, nn

from mia_dual.interface import NetworkSpec, Weights
from mia_dual.networks import check_weights

CANONICAL = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
    "embedding_table": "weight",
}


def named_parameters(cell: nn.Cell) -> dict[str, Parameter]:
    """Canonical name -> parameter of everything that makes up ``cell``."""
    found = {}
    for name, parameter in cell.parameters_and_names():
        layer, dot, kind = name.rpartition(".")
        found[f"{layer}{dot}{CANONICAL.get(kind, kind)}"] = parameter
    return found


def shapes(cell: nn.Cell) -> dict[str, tuple[int, ...]]:
    """Canonical name -> shape of everything that makes up ``cell``."""
    return {name: tuple(found.shape) for name, found in named_parameters(cell).items()}


def load(cell: nn.Cell, weights: Weights, spec: NetworkSpec) -> None:
    """Put ``weights`` into ``cell``; raises NetworkError naming the first that does not fit."""
    check_weights(spec, shapes(cell), weights)
    for name, parameter in named_parameters(cell).items():
        parameter.set_data(Tensor(np.array(weights[name], np.float32)))


def unload(cell: nn.Cell) -> dict[str, np.ndarray]:
    """Copies of the weights of ``cell``: canonical name -> float32."""
    return {
        name: np.array(parameter.asnumpy(), np.float32)
        for name, parameter in named_parameters(cell).items()
    }
