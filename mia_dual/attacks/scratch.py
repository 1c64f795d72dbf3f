"""Arrays of references' signals: in memory where there is room, in a file where there is none."""

from __future__ import annotations

import errno
import math
import os
import shutil
import tempfile

import numpy as np

from mia_dual.errors import DataError

AT_ONCE = 4
"""Arrays of one size that may be there at once: two signals, one of them without the target's row,
and the masks of both.
"""


def fits(shape: tuple[int, ...], limit: int) -> bool:
    """Whether several such arrays of float32 fit into ``limit`` bytes."""
    return AT_ONCE * 4 * math.prod(shape) <= limit


def scratch(shape: tuple[int, ...], limit: int) -> np.ndarray:
    """An array of float32 to write to.

    Where several such would not fit into ``limit`` bytes of memory it is mapped from a temporary
    file, which nobody else sees and which goes with the array, or with the process however that
    ends. Raises DataError where there is no room for the file.
    """
    size = 4 * math.prod(shape)
    if fits(shape, limit):
        return np.empty(shape, np.float32)
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    try:
        if size > free:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        with tempfile.TemporaryFile(prefix="mia-dual-", dir=folder) as file:
            # Taken now, since a mapped page for which there is no room ends the process.
            if hasattr(os, "posix_fallocate"):
                os.posix_fallocate(file.fileno(), 0, size)
            return np.asarray(np.memmap(file, np.float32, "w+", shape=shape))
    except OSError as error:
        raise DataError(
            f"signals of {shape[0]} references for {shape[1]} records take {size / 1e9:.3g} GB, "
            f"more than memory has room for, and '{folder}' has {free / 1e9:.3g} GB free "
            f"({error.strerror}): raise --memory, or set TMPDIR to a folder with room"
        ) from error
