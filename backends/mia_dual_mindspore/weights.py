"""Weights in and out of MindSpore cells, under the canonical names."""

from __future__ import annotations

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, nn

from mia_dual.interface import NetworkSpec, Weights
from mia_dual.networks import check_weights
from mia_dual_mindspore.dropout import is_key

CANONICAL = {
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
    "embedding_table": "weight",
}

FLOATS = (ms.float16, ms.float32, ms.float64)


def canonical(name: str) -> str:
    """The canonical name of a parameter that MindSpore calls ``name``."""
    layer, dot, kind = name.rpartition(".")
    return f"{layer}{dot}{CANONICAL.get(kind, kind)}"


def named_parameters(cell: nn.Cell) -> dict[str, Parameter]:
    """Canonical name -> parameter of everything that makes up ``cell``."""
    return {
        canonical(name): parameter
        for name, parameter in cell.parameters_and_names()
        if not is_key(name)
    }


def trained_parameters(cell: nn.Cell) -> dict[str, Parameter]:
    """Canonical name -> parameter of what is trained: MindSpore would train integers too."""
    return {
        name: parameter
        for name, parameter in named_parameters(cell).items()
        if parameter.requires_grad and parameter.dtype in FLOATS
    }


def load(cell: nn.Cell, weights: Weights, spec: NetworkSpec) -> None:
    """Put ``weights`` into ``cell``; raises NetworkError naming the first that does not fit."""
    parameters = named_parameters(cell)
    shapes = {name: tuple(parameter.shape) for name, parameter in parameters.items()}
    check_weights(spec, shapes, weights)
    for name, parameter in parameters.items():
        parameter.set_data(Tensor(np.array(weights[name]), parameter.dtype))


def unload(cell: nn.Cell) -> dict[str, np.ndarray]:
    """Copies of the weights of ``cell``: canonical name -> array of its own type."""
    return {name: np.array(found.asnumpy()) for name, found in named_parameters(cell).items()}
