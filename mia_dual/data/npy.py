"""An .npy array, read without trusting what it says of itself."""

from __future__ import annotations

import io
import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Callable, Literal

import numpy as np

LONGEST_HEADER = 2**16
"""Bytes; what numpy.save writes for plain arrays is shorter by far."""

LONGEST_SHOWN = 80

CHUNK = 2**20

_read_magic: Callable[..., Any] = np.lib.format.read_magic
_READERS: dict[tuple[int, int], Callable[..., Any]] = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
    # Differs from the one before in how fields are named, and no array here has any.
    (3, 0): np.lib.format.read_array_header_2_0,
}


@dataclass(frozen=True)
class Header:
    """What an array says of itself; its values start ``offset`` bytes after its beginning."""

    shape: tuple[int, ...]
    dtype: np.dtype
    order: Literal["C", "F"]
    offset: int

    @property
    def shown_shape(self) -> str:
        """The shape as a message gives it."""
        text = str(self.shape)
        return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."

    @property
    def values(self) -> int:
        """Bytes of the values."""
        return math.prod(self.shape) * self.dtype.itemsize

    @property
    def size(self) -> int:
        """Bytes of header and values together."""
        return self.offset + self.values


def read_header(stream: IO[bytes]) -> Header:
    """Read the header at the start of ``stream``, and none of the values.

    Raises ValueError where there is none, or none that makes sense.
    """
    start = io.BytesIO(stream.read(LONGEST_HEADER))
    try:
        with warnings.catch_warnings():
            # Of headers that Python 2 wrote; nothing follows from it.
            warnings.simplefilter("ignore")
            shape, fortran, dtype = _READERS[_read_magic(start)](start)
    except Exception as error:  # NumPy's parser raises whatever the damage leads it to
        raise ValueError("it has no header of an array") from error
    if any(isinstance(side, bool) or side < 0 for side in shape):
        raise ValueError("its header makes no sense")
    return Header(shape, dtype, "F" if fortran else "C", start.tell())


def read_values(stream: IO[bytes], header: Header) -> np.ndarray:
    """Read the array whose ``header`` was found to be sound from the start of ``stream``.

    Raises ValueError where it ends too early.
    """
    stream.read(header.offset)
    array = np.empty(math.prod(header.shape), header.dtype)
    room, done = array.view(np.uint8).data, 0
    while done < header.values:
        chunk = stream.read(min(CHUNK, header.values - done))
        if not chunk:
            raise ValueError("it ends too early")
        room[done : done + len(chunk)] = chunk
        done += len(chunk)
    return array.reshape(header.shape, order=header.order)


def mapped(file: Path) -> np.ndarray:
    """The array in ``file``, memory-mapped and read-only.

    Raises OSError or ValueError where the file is no whole array.
    """
    with file.open("rb") as stream:
        header = read_header(stream)
    if header.dtype.hasobject or header.size != file.stat().st_size:
        raise ValueError(f"'{file}' is no whole array")
    array = np.memmap(file, header.dtype, "r", header.offset, header.shape, header.order)
    return np.asarray(array)
