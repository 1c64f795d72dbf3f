"""The white-box signal: how little a record's loss would move its model.

A model is trained until its members' losses have next to no gradient; what it never saw would
still change it. Nasr, Shokri and Houmansadr (2019, IEEE S&P) let an attack model read the gradients
and show their norms to tell members apart; Rezaei and Liu (2021, CVPR) threshold such norms. Here
they are a signal as the log confidence is one, so that references calibrate it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Optional

import numpy as np

from mia_dual.errors import DataError
from mia_dual.interface import GradientNorms
from mia_dual.quoting import quoted

SMALLEST = float(np.finfo(np.float64).tiny)
"""Stands for a norm of 0, as parameters have behind ReLUs that are all off."""


def gradient_signal(
    found: GradientNorms, parameters: Optional[Collection[str]] = None
) -> np.ndarray:
    """Minus the log of the gradient's norm: (models, rows) float64, the higher the more a member.

    ``parameters``: those whose gradient is looked at; None: all. Where no record was asked about
    it says nothing. Raises DataError for a parameter that the models do not have, and for norms
    that are no finite numbers, as a diverged model's are.
    """
    chosen = found.parameters if parameters is None else sorted(set(parameters))
    for name in chosen:
        if name not in found.parameters:
            raise DataError(
                f"the models have no trained parameter {quoted(name)}: "
                f"choose among {', '.join(found.parameters)}"
            )
    norms = found.norms[:, :, [found.parameters.index(name) for name in chosen]]
    if not np.isfinite(norms).all():
        raise DataError(
            "a model's gradients are no finite numbers: it has diverged, or a record holds "
            "extreme values"
        )
    # Squares of norms below 1e-162 are 0: those of a record's own size are not.
    sizes = np.maximum(norms.max(axis=2, initial=0.0), SMALLEST)
    signal: np.ndarray = -np.log(sizes)
    return signal - np.log(np.maximum(np.linalg.norm(norms / sizes[:, :, None], axis=2), 1.0))
