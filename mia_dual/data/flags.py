"""Arrays of a user's file that say who was a member: bool, or 0 and 1."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from mia_dual.data.npy import Header
from mia_dual.errors import DataError
from mia_dual.quoting import quoted


def check_flags(file: Path, name: str, header: Header, shape: tuple[int, ...], sides: str) -> None:
    """Raise DataError where ``header`` is none of flags of ``shape``, which is that of ``sides``
    (``(records,)``).
    """
    if header.dtype.kind not in "bui":
        raise DataError(
            f"'{file}': '{name}' is {header.dtype.name}: say who was a member by bool, or 0 and 1"
        )
    if header.shape != shape:
        raise DataError(
            f"'{file}': '{name}' has shape {header.shown_shape}, not {shape}: give one value for "
            f"each of {sides}"
        )


def as_flags(file: Path, name: str, array: np.ndarray) -> np.ndarray:
    """``array`` as bool; raises DataError where it holds another number than 0 and 1."""
    strange = array[(array != 0) & (array != 1)]
    if strange.size:
        raise DataError(
            f"'{file}': '{name}' holds {quoted(strange.flat[0].item())}: write 1 for a member and "
            "0 for any other"
        )
    return array.astype(bool)
