"""How likely records are to be deleted, as a file says."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np

from mia_dual.errors import DataError
from mia_dual.quoting import quoted

KEY = "deletion.likelihood"


def likelihoods(file: Path, records: np.ndarray) -> np.ndarray:
    """Of each of ``records`` (record indices): (records,) float64, 0 where the file names it not.

    A line holds a record index and a number from 0 up, the higher, the likelier. Raises DataError
    naming the line that does not.
    """
    told: dict[int, float] = {}
    try:
        if not file.is_file():
            raise OSError
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{KEY}: '{file}' cannot be read: give a text file of a record index and how likely "
            "its deletion is, a record a line"
        ) from error
    for number, line in enumerate(lines, start=1):
        if line.strip():
            told.update([_told(file, number, line)])
    return np.array([told.get(record, 0.0) for record in records.tolist()])


def _told(file: Path, number: int, line: str) -> tuple[int, float]:
    words = line.split()
    try:
        record, likelihood = words
        found = int(record), float(likelihood)
    except ValueError:
        found = -1, math.nan
    if found[0] < 0 or not 0 <= found[1] < math.inf:
        raise DataError(
            f"{KEY}: line {number} of '{file}' ({quoted(line)}) is not a record index and a number "
            "from 0 up"
        )
    return found
