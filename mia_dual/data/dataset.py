"""A data set in memory: what every source gives and the pipeline takes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Optional

import numpy as np


@dataclass(frozen=True)
class Dataset:
    """Labelled records, the training part first; nobody writes to them.

    ``features``: (records, channels, height, width) or (records, features), uint8 or float32.
    ``labels``: (records,) int64 in 0 .. ``classes`` - 1. Both may be memory-mapped and read-only.
    ``training``: records of the training part. ``member`` (records,) bool: who a target that was
    trained elsewhere was trained on, where that is known. ``standardise``: its numbers have units
    of their own, which a network should not see. ``categories``: where features are categories,
    numbered from 0 on, how many there are; a network sees each as so many numbers, one of them 1.
    """

    name: str
    features: np.ndarray
    labels: np.ndarray
    classes: int
    training: int
    member: Optional[np.ndarray] = None
    standardise: bool = False
    categories: Optional[int] = None

    def digest(self) -> str:
        """SHA-256 over features and labels, the same whoever read them and on any platform.

        Computed once.
        """
        return self._digest

    @cached_property
    def _digest(self) -> str:
        total = hashlib.sha256()
        for array in (self.features, self.labels):
            content = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
            total.update(f"{content.dtype.str}{content.shape}".encode())
            total.update(content.data)
        return total.hexdigest()
