"""What an alteration is: a way to make another record of a record, the same wherever it is made."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from mia_dual.errors import DataError
from mia_dual.interface import Records


class Alteration(Protocol):
    """A frozen value. What it makes of a record depends on it, the record, the record's index and
    (noise) the spread of all records, and never on the other records asked about.
    """

    @property
    def name(self) -> str:
        """Tells it from the others of a run, for people."""
        ...

    def describe(self) -> dict[str, Any]:
        """Kind and parameters, values that JSON can hold: what a key holds of it."""
        ...

    def apply(self, records: Records, rows: np.ndarray) -> Records:
        """Altered copies of ``rows`` (int64 record indices) of ``records``, in that order.

        Features keep their type and shape, and labels, scale and shift are the records'.
        """
        ...


def need_images(kind: str, shape: tuple[int, ...]) -> None:
    """Raise DataError where records of ``shape`` are no images (channels, height, width)."""
    if len(shape) != 3:
        raise DataError(
            f"queries: '{kind}' alters images, and these records are rows of {shape[0]} numbers: "
            "ask with noise alone"
        )
