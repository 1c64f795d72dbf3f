"""CIFAR-10 and CIFAR-100 in both forms they are published in."""

from __future__ import annotations

import io
import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np

from mia_dual.data.files import Content

SHAPE = (3, 32, 32)
PIXELS = 3 * 32 * 32

_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): np.zeros(0).__reduce__()[0],
    ("numpy", "ndarray"): np.ndarray,
    ("numpy", "dtype"): np.dtype,
}


def read_binary(contents: Sequence[Content], coarse: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    """Records of one label byte, or a coarse and a fine one, then the pixels, channel by channel.

    Returns (records, 3, 32, 32) and (records,) uint8 for each file.
    """
    parts = []
    for content in contents:
        length = 1 + coarse + PIXELS
        if len(content.data) % length or not content.data:
            raise content.damaged(
                f"it holds {len(content.data)} bytes, no whole number of {length} a record"
            )
        rows = np.frombuffer(content.data, np.uint8).reshape(-1, length)
        parts.append((rows[:, -PIXELS:].reshape(-1, *SHAPE), rows[:, int(coarse)]))
    return parts


def read_pickled(contents: Sequence[Content], coarse: bool) -> list[tuple[np.ndarray, np.ndarray]]:
    """What :func:`read_binary` returns, from the pickled form.

    Only files that are known to be the published ones are unpickled, and even these by a reader
    that makes nothing but arrays.
    """
    parts = []
    for content in contents:
        if not content.as_published:
            raise content.damaged("it is pickled, and not known to be the published file")
        try:
            batch = _ArraysOnly(io.BytesIO(content.data), encoding="latin1").load()
            pixels, labels = batch["data"], batch["fine_labels" if coarse else "labels"]
            images = np.asarray(pixels, np.uint8).reshape(-1, *SHAPE)
            parts.append((images, np.asarray(labels, np.uint8)))
        except (pickle.UnpicklingError, EOFError, LookupError, TypeError, ValueError) as error:
            raise content.damaged(" ".join(str(error).split())) from error
    return parts


class _ArraysOnly(pickle.Unpickler):
    """Makes arrays and plain containers; refuses everything else a pickle may ask for."""

    def find_class(self, module: str, name: str) -> Any:
        """The three names that the published files use."""
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, and no CIFAR file does")
        return _ALLOWED[module, name]
