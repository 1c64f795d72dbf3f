"""The arrays of an .npz file that nobody has to trust.

What the file says of sizes is checked against what it can hold before anything is read, and
objects are never unpickled.
"""

from __future__ import annotations

import math
import stat
import struct
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from mia_dual.data.npy import CHUNK, Header, read_header, read_values
from mia_dual.errors import DataError
from mia_dual.execution import free_memory

PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What numpy.savez and numpy.savez_compressed write."""

DEFLATE_AT_BEST = 1032
"""Bytes that one deflated byte can become, by that format's own limits."""

ENCRYPTED = 0x1

LOCAL_HEADER = struct.Struct("<4s22xHH")
"""What stands before each member: its mark, and the lengths of its name and of what follows."""

SHOWN = 8
"""Names of arrays that a message gives."""


class Archive:
    """An open .npz ``file``; every method raises DataError naming it and the array."""

    def __init__(self, file: Path, members: zipfile.ZipFile) -> None:
        self.file = file
        self._zip = members
        self._length = file.stat().st_size
        self._members = {info.filename: info for info in members.infolist()}

    def headers(self, names: Collection[str]) -> dict[str, Header]:
        """What the arrays among ``names`` that are there say of themselves, found to be true."""
        return {name: self._header(name) for name in names if f"{name}.npy" in self._members}

    def missing(self, name: str) -> DataError:
        """The error that says ``name`` is not there, and what is."""
        held = sorted(entry[:-4] for entry in self._members if entry.endswith(".npy"))
        shown = ", ".join(repr(entry[:40]) for entry in held[:SHOWN]) or "none"
        more = f" and {len(held) - SHOWN} more" if len(held) > SHOWN else ""
        return DataError(
            f"'{self.file}' has no array '{name}': it holds {shown}{more}; save it with numpy.savez"
        )

    def check_memory(self, headers: Collection[Header]) -> None:
        """Refuse arrays that do not fit into free memory, as stored and once more as float32."""
        needed = sum(header.values + 4 * math.prod(header.shape) for header in headers)
        free = free_memory()
        if needed > free:
            raise DataError(
                f"'{self.file}' takes {needed / 1e9:.3g} GB to read, and {free / 1e9:.3g} GB of "
                "memory are free: save fewer or smaller records"
            )

    def read(self, name: str, header: Header) -> np.ndarray:
        """The array ``name``, which has ``header``."""
        with self._opened(name) as stream:
            return read_values(stream, header)

    def is_stored(self, name: str) -> bool:
        """Whether the array ``name`` lies in the file as it is, not compressed."""
        return self._members[f"{name}.npy"].compress_type == zipfile.ZIP_STORED

    def mapped(self, name: str, header: Header) -> np.ndarray:
        """The array ``name``, read-only and memory-mapped where it :meth:`is_stored`, else read.

        It is read through once, so that damage is found now.
        """
        if not self.is_stored(name):
            return self.read(name, header)
        with self._opened(name) as stream:
            while stream.read(CHUNK):
                pass  # the reader compares the checksum at the end
            start = self._start(name) + header.offset
            return np.memmap(self.file, header.dtype, "r", start, header.shape, header.order)

    def _start(self, name: str) -> int:
        """Where the bytes of a stored member start in the file."""
        before = self._members[f"{name}.npy"].header_offset
        with self.file.open("rb") as stream:
            stream.seek(before)
            mark, named, more = LOCAL_HEADER.unpack(stream.read(LOCAL_HEADER.size))
        if mark != b"PK\x03\x04":
            raise ValueError("its place is not where the file says")
        return int(before + LOCAL_HEADER.size + named + more)

    def _header(self, name: str) -> Header:
        info = self._members[f"{name}.npy"]
        if info.flag_bits & ENCRYPTED:
            raise self._error(name, "is encrypted: save it with numpy.savez")
        if info.compress_type not in PACKINGS:
            raise self._error(
                name,
                f"is packed by method {info.compress_type}, which is not read: save it with "
                "numpy.savez or numpy.savez_compressed",
            )
        at_most = info.compress_size * (DEFLATE_AT_BEST if info.compress_type else 1)
        if info.compress_size > self._length or info.file_size > at_most:
            raise self._error(
                name,
                f"cannot hold the {info.file_size} bytes it says it holds: the file is damaged; "
                "save it again with numpy.savez",
            )
        with self._opened(name) as stream:
            header = read_header(stream)
        if header.dtype.hasobject:
            raise self._error(
                name,
                "holds pickled objects, which are never loaded: save plain arrays with numpy.savez",
            )
        if header.size != info.file_size:
            raise self._error(
                name,
                f"says it is {header.dtype.name} of shape {header.shown_shape}, {header.values} "
                f"bytes, and has {max(info.file_size - header.offset, 0)}: the file is damaged; "
                "save it again with numpy.savez",
            )
        return header

    @contextmanager
    def _opened(self, name: str) -> Iterator[IO[bytes]]:
        try:
            with self._zip.open(f"{name}.npy") as stream:
                yield stream
        except (
            *(OSError, EOFError, ValueError, LookupError, RuntimeError, OverflowError),
            *(zipfile.BadZipFile, zlib.error, struct.error),
        ) as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise self._error(
                name, f"cannot be read ({reason}): save it again with numpy.savez"
            ) from error

    def _error(self, name: str, what: str) -> DataError:
        return DataError(f"'{self.file}': '{name}' {what}")


@contextmanager
def opened(file: Path) -> Iterator[Archive]:
    """The .npz ``file``; raises DataError naming it where it is none."""
    try:
        # Opening a pipe would wait for its writer.
        if not stat.S_ISREG(file.stat().st_mode):
            raise DataError(f"'{file}' is no file: name one that numpy.savez wrote")
        stream = file.open("rb")
    except OSError as error:
        raise DataError(f"'{file}' cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise DataError(f"{str(file)!r} is no path: {error}") from error
    with stream:
        if stream.read(6) == b"\x93NUMPY":
            raise DataError(f"'{file}' is a single array: save x and y with numpy.savez")
        try:
            members = zipfile.ZipFile(stream)
        except Exception as error:  # the reader raises whatever the damage leads it to
            raise DataError(
                f"'{file}' is no readable .npz file: save it with numpy.savez"
            ) from error
        with members:
            yield Archive(file, members)
