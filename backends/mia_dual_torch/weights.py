"""Weights in and out of PyTorch modules, under the canonical names."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from mia_dual.interface import NetworkSpec, Weights
from mia_dual.networks import check_weights

COUNTER = "num_batches_tracked"
"""A BatchNorm counter that nothing here depends on and no other framework has."""


def shapes(module: nn.Module) -> dict[str, tuple[int, ...]]:
    """Canonical name -> shape of everything that makes up ``module``."""
    return {
        name: tuple(tensor.shape)
        for name, tensor in module.state_dict().items()
        if not name.endswith(COUNTER)
    }


def load(module: nn.Module, weights: Weights, spec: NetworkSpec) -> None:
    """Put ``weights`` into ``module``; raises NetworkError naming the first that does not fit."""
    check_weights(spec, shapes(module), weights)
    state = {name: torch.from_numpy(np.array(array)) for name, array in weights.items()}
    module.load_state_dict(state, strict=False)


def unload(module: nn.Module) -> dict[str, np.ndarray]:
    """Copies of the weights of ``module``: canonical name -> float32."""
    return {
        name: tensor.detach().cpu().numpy().astype(np.float32, copy=True)
        for name, tensor in module.state_dict().items()
        if not name.endswith(COUNTER)
    }
