"""Weights in and out of MindSpore cells, under the canonical names."""

from __future__ import annotations

import numpy as np
from mindspore import Parameter, Tensor, nn

from mia_dual.errors import NetworkError
from mia_dual.interface import NetworkSpec, Weights

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
    expected = shapes(cell)
    for name in sorted(expected.keys() | weights.keys()):
        given = tuple(weights[name].shape) if name in weights else None
        if given != expected.get(name):
            raise NetworkError(
                f"weights do not fit network '{spec.name}': '{name}' is "
                f"{given or 'absent'}, expected {expected.get(name) or 'absent'}"
            )
    for name, parameter in named_parameters(cell).items():
        parameter.set_data(Tensor(np.array(weights[name], np.float32)))


def unload(cell: nn.Cell) -> dict[str, np.ndarray]:
    """Copies of the weights of ``cell``: canonical name -> float32."""
    return {
        name: np.array(parameter.asnumpy(), np.float32)
        for name, parameter in named_parameters(cell).items()
    }
