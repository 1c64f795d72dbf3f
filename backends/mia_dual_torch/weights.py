"""What modules hold, in and out, under the canonical names."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn

from mia_dual.interface import NetworkSpec, Weights
from mia_dual.networks import check_weights

COUNTER = "num_batches_tracked"
"""How often a BatchNorm was trained: no other framework has it, and ``State.steps`` tells it."""


def contents(module: nn.Module) -> dict[str, Tensor]:
    """Canonical name -> tensor of everything that makes up ``module``; not copied."""
    return {
        name: tensor
        for name, tensor in module.state_dict().items()
        if isinstance(tensor, Tensor) and not name.endswith(COUNTER)
    }


def trained(module: nn.Module) -> dict[str, nn.Parameter]:
    """Canonical name -> parameter, of those that training moves."""
    return {name: value for name, value in module.named_parameters() if value.requires_grad}


def shapes(tensors: Mapping[str, Tensor]) -> dict[str, tuple[int, ...]]:
    """Canonical name -> shape."""
    return {name: tuple(tensor.shape) for name, tensor in tensors.items()}


def load(module: nn.Module, weights: Weights, spec: NetworkSpec) -> None:
    """Put ``weights`` into ``module``; raises NetworkError naming the first that does not fit."""
    held = contents(module)
    check_weights(spec, shapes(held), weights)
    with torch.no_grad():
        for name, tensor in held.items():
            tensor.copy_(torch.from_numpy(np.array(weights[name])))


def unload(module: nn.Module) -> dict[str, np.ndarray]:
    """Copies of what ``module`` holds: canonical name -> array of the tensor's own type."""
    return {name: tensor.cpu().numpy().copy() for name, tensor in contents(module).items()}
