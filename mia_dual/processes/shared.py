"""Records that several processes read: one copy in files, mapped into memory by each."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mia_dual.errors import BackendError
from mia_dual.interface import Records


@dataclass(frozen=True)
class SharedRecords:
    """Where the arrays of :class:`Records` lie as .npy files, and how features are scaled."""

    features: Path
    labels: Path
    scale: float
    shift: float

    def open(self) -> Records:
        """The records, read as they are needed."""
        features, labels = (np.load(file, mmap_mode="r") for file in (self.features, self.labels))
        return Records(features, labels, self.scale, self.shift)


@contextmanager
def shared(records: Records, folder: Path) -> Iterator[SharedRecords]:
    """``records`` as files: their own where they are mapped already, else under ``folder``.

    Raises BackendError where that has no room.
    """
    own = Path(tempfile.mkdtemp(dir=folder))
    try:
        try:
            features, labels = (
                mapped_file(array) or _saved(array, own / f"{name}.npy")
                for name, array in (("features", records.features), ("labels", records.labels))
            )
        except OSError as error:
            taken = records.features.nbytes + records.labels.nbytes
            raise BackendError(
                f"records for the training processes take {taken / 1e6:.3g} MB, for which "
                f"'{folder.parent}' has no room ({error.strerror or error}): set TMPDIR to a "
                "folder with room"
            ) from error
        yield SharedRecords(features, labels, records.scale, records.shift)
    finally:
        shutil.rmtree(own, ignore_errors=True)


def mapped_file(array: np.ndarray) -> Path | None:
    """The .npy file that ``array`` is all of, mapped for reading; None where there is none."""
    if not isinstance(array, np.memmap) or array.mode != "r" or not array.flags.c_contiguous:
        return None
    path = Path(str(array.filename))
    try:
        whole = np.load(path, mmap_mode="r")
    except (OSError, ValueError):
        return None
    # A part of the file is smaller than the whole; a whole that is contiguous is in order.
    return path if (whole.shape, whole.dtype) == (array.shape, array.dtype) else None


def _saved(array: np.ndarray, path: Path) -> Path:
    np.save(path, array)
    return path
