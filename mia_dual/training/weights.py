"""Initial weights: drawn from names and shapes alone, so equal on every backend."""

from __future__ import annotations

import numpy as np

from mia_dual.interface import Weights


def drawn_names(built: Weights) -> list[str]:
    """The names in ``built`` whose values are drawn by us, sorted.

    Those are float32 matrices and kernels (``weight``, two axes or more), and the ``bias`` beside
    one. Everything else (normalisation, buffers, recurrent and attention parameters, slopes) stays
    as the network was built.
    """
    return [
        name
        for name in sorted(built)
        if name.rpartition(".")[2] in ("weight", "bias") and _kernel(name, built) is not None
    ]


def draw_weights(built: Weights, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Fresh weights for a network that holds ``built``: canonical name -> array.

    Matrices and kernels are uniform within 1/sqrt(fan in), and so is the bias beside one: what
    PyTorch and MindSpore both do by default (He et al. 2015, with a = sqrt 5). They are drawn in
    the order of :func:`drawn_names`; the rest is as in ``built``.
    """
    weights = dict(built)
    for name in drawn_names(built):
        kernel = _kernel(name, built)
        assert kernel is not None
        bound = 1.0 / np.sqrt(np.prod(kernel.shape[1:]))
        weights[name] = rng.uniform(-bound, bound, built[name].shape).astype(np.float32)
    return weights


def _kernel(name: str, built: Weights) -> np.ndarray | None:
    """The kernel that says within which bound ``name`` is drawn; None where it is not drawn."""
    layer, dot, _ = name.rpartition(".")
    kernel = built.get(f"{layer}{dot}weight")
    if kernel is None or kernel.ndim < 2:
        return None
    return kernel if kernel.dtype == built[name].dtype == np.float32 else None
