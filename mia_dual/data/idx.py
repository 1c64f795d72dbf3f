"""MNIST's own format: a magic number, the sides, and bytes."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence

import numpy as np

from mia_dual.data.files import Content

UNSIGNED_BYTES = 8


def read_idx(contents: Sequence[Content]) -> list[tuple[np.ndarray, np.ndarray]]:
    """Pairs of files, images then labels, as (records, 1, height, width) and (records,) uint8."""
    pairs = zip(contents[::2], contents[1::2])
    return [(_array(images, 3)[:, None], _array(labels, 1)) for images, labels in pairs]


def _array(content: Content, sides: int) -> np.ndarray:
    start = 4 + 4 * sides
    if content.data[:4] != bytes((0, 0, UNSIGNED_BYTES, sides)) or len(content.data) < start:
        raise content.damaged(f"it does not start as an idx file of {sides} sides does")
    shape = struct.unpack(f">{sides}I", content.data[4:start])
    if len(content.data) - start != math.prod(shape):
        raise content.damaged(
            f"it says it holds {' x '.join(map(str, shape))} bytes "
            f"and holds {len(content.data) - start}"
        )
    return np.frombuffer(content.data, np.uint8, offset=start).reshape(shape)
