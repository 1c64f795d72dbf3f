"""Initial weights: drawn from names and shapes alone, so equal on every backend."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def draw_weights(
    shapes: Mapping[str, tuple[int, ...]], rng: np.random.Generator
) -> dict[str, np.ndarray]:
    """Fresh float32 weights for ``shapes`` (canonical name -> shape).

    Matrices and kernels are uniform within 1/sqrt(fan in), and so is the bias beside one: what
    PyTorch and MindSpore both do by default (He et al. 2015, with a = sqrt 5). A normalisation
    starts as the identity: weight 1, bias 0, running mean 0, running variance 1. Drawn in the
    order of the names, sorted.
    """
    return {name: _draw(name, shapes, rng) for name in sorted(shapes)}


def _draw(name: str, shapes: Mapping[str, tuple[int, ...]], rng: np.random.Generator) -> np.ndarray:
    shape = shapes[name]
    layer, _, kind = name.rpartition(".")
    if kind == "running_var":
        return np.ones(shape, np.float32)
    if kind == "running_mean":
        return np.zeros(shape, np.float32)
    kernel = shape if kind != "bias" else shapes.get(f"{layer}.weight", ())
    if len(kernel) < 2:
        return np.full(shape, 0.0 if kind == "bias" else 1.0, np.float32)
    bound = 1.0 / np.sqrt(np.prod(kernel[1:]))
    return rng.uniform(-bound, bound, shape).astype(np.float32)
