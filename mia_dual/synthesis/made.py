"""What every source gives, and what some of them ask."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Callable

import numpy as np

Ask = Callable[[np.ndarray], np.ndarray]
"""The target as an attacker has it: features (records, *shape), as the data set holds them, to
confidences (records, classes) float32.
"""

CHUNK = 4096
"""Records that are drawn, or asked about, at once."""


@dataclass(frozen=True)
class Made:
    """Records of a source: ``features`` (records, *shape), ``labels`` (records,) int64, and
    ``queries`` (records,) int64, what each of them cost.
    """

    features: np.ndarray
    labels: np.ndarray
    queries: np.ndarray


def even_labels(records: int, classes: int) -> np.ndarray:
    """The classes of records that are made for one: as many of each, to one, in turn."""
    return np.arange(records, dtype=np.int64) % classes


def chunks(records: int) -> Iterator[slice]:
    """``records`` records, ``CHUNK`` at a time."""
    for first in range(0, records, CHUNK):
        yield slice(first, min(first + CHUNK, records))
