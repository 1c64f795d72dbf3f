"""What a model holds before anything is drawn or trained."""

from __future__ import annotations

import random

import mindspore as ms
import numpy as np

from mia_dual.interface import NetworkSpec
from mia_dual_mindspore.networks import build
from mia_dual_mindspore.weights import unload


def build_fresh(spec: NetworkSpec, seed: int) -> dict[str, np.ndarray]:
    """Canonical name -> array, as a factory's own draws give it for ``seed``.

    Seeds MindSpore's, NumPy's and Python's global streams while it builds, and only then.
    """
    before = random.getstate(), np.random.get_state()  # noqa: NPY002
    # MindSpore takes 31 bits.
    ms.set_seed(seed % 2**31)
    random.seed(seed)
    try:
        return unload(build(spec))
    finally:
        random.setstate(before[0])
        np.random.set_state(before[1])  # noqa: NPY002
