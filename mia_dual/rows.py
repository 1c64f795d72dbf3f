"""Sets of record indices, held as a bit a record: a plan has thousands, most of half of all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Optional, overload

import numpy as np

SPARSE = 64
"""Records for each that is in a set, from which on indices take less than bits."""


class RowSet:
    """The record indices ``rows`` (n,) int64, from 0 up, in any order, each once.

    It takes a bit for every record up to the last of them, or eight bytes for each of them where
    that is less. Raises ValueError where a record is there twice.
    """

    def __init__(self, rows: np.ndarray) -> None:
        self._count, self._records = len(rows), int(rows.max(initial=-1)) + 1
        self._few: Optional[np.ndarray] = None
        if self._records > SPARSE * self._count:
            self._few = np.unique(rows)
            kept = len(self._few)
        else:
            there = np.zeros(self._records, bool)
            there[rows] = True
            kept, self._bits = int(np.count_nonzero(there)), np.packbits(there)
        if kept != self._count:
            raise ValueError("a record is named twice")

    def __len__(self) -> int:
        return self._count

    @property
    def rows(self) -> np.ndarray:
        """All of them, sorted: (n,) int64."""
        return np.flatnonzero(self._mask(self._records)) if self._few is None else self._few.copy()

    def holds(self, rows: np.ndarray) -> np.ndarray:
        """(rows,) bool: which of the record indices ``rows``, in any order, are among them."""
        if self._few is not None:
            return np.isin(rows, self._few)
        return self._mask(int(rows.max(initial=-1)) + 1).take(rows)

    def _mask(self, records: int) -> np.ndarray:
        """(records,) bool, from bits; those beyond are left out."""
        mask = np.zeros(records, bool)
        known = min(records, self._records)
        mask[:known] = np.unpackbits(self._bits, count=known)
        return mask


class Rows:
    """A field of a dataclass that holds record indices as a :class:`RowSet`, and gives them sorted,
    as a new array each time; :func:`held` gives the set.
    """

    def __set_name__(self, owner: type, name: str) -> None:
        self._place = f"_{name}"

    @overload
    def __get__(self, instance: None, owner: type) -> Rows: ...
    @overload
    def __get__(self, instance: object, owner: type) -> np.ndarray: ...
    def __get__(self, instance: Optional[object], owner: type) -> Any:
        """The indices, (n,) int64."""
        if instance is None:
            raise AttributeError("a field without a default")
        return vars(instance)[self._place].rows

    def __set__(self, instance: object, rows: np.ndarray) -> None:
        vars(instance)[self._place] = RowSet(rows)


def held(instance: object, field: str) -> RowSet:
    """What the ``field`` of ``instance``, a :class:`Rows`, holds."""
    found: RowSet = vars(instance)[f"_{field}"]
    return found


def union(parts: Iterable[np.ndarray]) -> np.ndarray:
    """The record indices that are in any of ``parts``, which need not be sorted: sorted int64.

    Parts are looked at one after another, so that they need not be there at once.
    """
    there = np.zeros(0, bool)
    for part in parts:
        missing = int(part.max(initial=-1)) + 1 - len(there)
        if missing > 0:
            there = np.append(there, np.zeros(missing, bool))
        there[part] = True
    return np.flatnonzero(there)
