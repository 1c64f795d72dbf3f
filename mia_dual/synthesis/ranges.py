"""What values features may take: what an attacker must know of a record's form to make one up."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

PIXELS = 256


@dataclass(frozen=True)
class Ranges:
    """The form of a record: ``shape`` and ``dtype``, and the range of each of its features.

    A feature takes the whole numbers ``low``, ``low`` + 1, .. of ``levels`` many (two are a binary
    feature, 256 a pixel), or, where ``levels`` is 0, any number from ``low`` to ``low`` +
    ``width``. All three: (features,), in the order of a flattened record.
    """

    shape: tuple[int, ...]
    dtype: np.dtype
    low: np.ndarray
    width: np.ndarray
    levels: np.ndarray

    @property
    def features(self) -> int:
        """How many features a record has."""
        return len(self.low)

    def values(self, uniform: np.ndarray) -> np.ndarray:
        """The values that numbers in [0, 1) stand for: (records, features) float32."""
        steps = np.floor(uniform * self.levels)
        values = self.low + np.where(self.levels > 0, steps, uniform * self.width)
        return values.astype(np.float32)

    def changed(self, records: np.ndarray, uniform: np.ndarray) -> np.ndarray:
        """What each feature of ``records`` (records, features) float32 becomes when it is changed.

        A feature of two levels takes the other one, others a value of their range that
        ``uniform`` in [0, 1) stands for: "flipping binary features or resampling new values for
        features of other types" (Shokri et al. 2017, section V-C).
        """
        flipped = 2 * self.low + 1 - records
        changed: np.ndarray = np.where(self.levels == 2, flipped, self.values(uniform))
        return changed.astype(np.float32)

    def as_features(self, records: np.ndarray) -> np.ndarray:
        """Flat ``records`` in the shape and type of the data set's: (records, *shape)."""
        return records.reshape(len(records), *self.shape).astype(self.dtype)


def find_ranges(features: np.ndarray) -> Ranges:
    """The ranges of records like ``features`` (records, *shape), uint8 or float32.

    uint8 are pixels. Of floats, a feature that holds whole numbers alone has the levels from its
    smallest to its largest, any other lies between them. An attacker knows this from the form a
    query takes; it is read off the shadows' pool, never off the target's records, and says
    nothing of how often a value comes.
    """
    shape, dtype = features.shape[1:], features.dtype
    flat = features.reshape(len(features), -1)
    count = flat.shape[1]
    if dtype == np.uint8:
        zeros = np.zeros(count)
        return Ranges(shape, dtype, zeros, zeros + PIXELS - 1, zeros + PIXELS)
    low, high = (edge.astype(np.float64) for edge in (flat.min(axis=0), flat.max(axis=0)))
    whole = (flat == np.floor(flat)).all(axis=0)
    return Ranges(shape, dtype, low, high - low, np.where(whole, high - low + 1, 0))
