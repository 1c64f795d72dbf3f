"""SVHN's MATLAB files."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np

from mia_dual.data.files import Content


def read_mat(contents: Sequence[Content]) -> list[tuple[np.ndarray, np.ndarray]]:
    """(records, 3, 32, 32) and (records,) uint8 for each file; the digit 0, "10" there, is 0."""
    from scipy.io import loadmat

    parts = []
    for content in contents:
        try:
            found = loadmat(io.BytesIO(content.data), variable_names=["X", "y"])
            images, labels = found["X"].transpose(3, 2, 0, 1), found["y"].reshape(-1)
        except Exception as error:  # the reader raises whatever the damage leads it to
            reason = " ".join(str(error).split()) or type(error).__name__
            raise content.damaged(f"it is no MATLAB file with X and y ({reason})") from error
        parts.append((images, labels % 10))
    return parts
