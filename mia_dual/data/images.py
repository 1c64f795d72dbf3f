"""Images in NumPy: enlarged alike for every backend, and the scale networks see them in."""

from __future__ import annotations

import numpy as np

SCALE, SHIFT = 1 / 127.5, -1.0
"""uint8 pixels become (x / 255 - .5) / .5, in [-1, 1]."""


RECORDS_AT_ONCE = 1024
"""Enlarged together, so that what is kept in float32 meanwhile stays small."""


def enlarged_sides(sides: tuple[int, int], smallest: int) -> tuple[int, int]:
    """Height and width of images of ``sides`` once both are ``smallest`` pixels at least."""
    height, width = sides
    return max(height, smallest), max(width, smallest)


def enlarge(images: np.ndarray, smallest: int) -> np.ndarray:
    """Enlarge (records, channels, height, width) images until both sides are ``smallest`` pixels.

    Bilinear between pixel centres; a side that is large enough is left as it is. Keeps the type:
    uint8 is rounded to the nearest.
    """
    sides = images.shape[2], images.shape[3]
    height, width = enlarged_sides(sides, smallest)
    if (height, width) == sides:
        return images
    large = np.empty((*images.shape[:2], height, width), images.dtype)
    for start in range(0, len(images), RECORDS_AT_ONCE):
        rows = slice(start, start + RECORDS_AT_ONCE)
        large[rows] = _stretch(_stretch(images[rows], 2, height), 3, width)
    return large


def _stretch(images: np.ndarray, axis: int, size: int) -> np.ndarray:
    old = images.shape[axis]
    if old == size:
        return images
    centres = np.clip((np.arange(size) + 0.5) * old / size - 0.5, 0, old - 1)
    low = np.floor(centres).astype(np.int64)
    high = np.minimum(low + 1, old - 1)
    share = (centres - low).astype(np.float32)
    share = share.reshape([-1 if place == axis else 1 for place in range(images.ndim)])
    below, above = images.take(low, axis), images.take(high, axis)
    mixed = below.astype(np.float32) * (1 - share) + above.astype(np.float32) * share
    if images.dtype == np.uint8:
        mixed = np.rint(mixed)
    return mixed.astype(images.dtype)
