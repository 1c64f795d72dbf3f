"""Files that are there whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import secrets
import shutil
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import numpy as np

from mia_dual.stopping import PROCESS

PARTIAL = ".partial"
"""How the name of a file ends that is still being written."""

CHUNK = 1 << 20


def write_atomically(path: Path, content: bytes, durable: bool = True) -> None:
    """Write ``content`` to ``path`` as :func:`written_atomically` does."""
    with written_atomically(path, durable) as stream:
        stream.write(content)


@contextmanager
def written_atomically(path: Path, durable: bool = True) -> Iterator[IO[bytes]]:
    """A file beside ``path`` to write to, moved there at the end: a kill leaves the old file or
    none.

    Several processes may write one path at once; the last one's file stays. Where it need not be
    ``durable``, a machine that loses power may leave a file that is not whole.
    """
    if not path.name:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PARTIAL}")
    try:
        with partial.open("wb") as stream:
            yield stream
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def append_line(path: Path, line: str, durable: bool = False) -> None:
    """Append ``line`` (without its end) to ``path``, whole or not at all.

    Where a kill or a full disk left a line unfinished, it stays one of its own. With ``durable``,
    the line is on the disk when this returns.
    """
    with path.open("ab+") as stream:
        end = stream.seek(0, os.SEEK_END)
        if end:
            stream.seek(end - 1)
        unfinished = end > 0 and stream.read(1) != b"\n"
        content = f"{line}\n".encode()
        try:
            stream.write(b"\n" + content if unfinished else content)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        except OSError:
            # What is left in the buffer would be tried again at the end.
            with suppress(OSError):
                stream.close()
            os.truncate(path, end)
            raise


def link_or_copy(source: Path, path: Path) -> None:
    """Make ``path`` the same file as ``source``, or a copy where the file system has no links."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and path.samefile(source):
        return
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PARTIAL}")
    try:
        try:
            os.link(source, partial)
        except OSError:
            shutil.copyfile(source, partial)
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def checksum(content: bytes) -> str:
    """SHA-256, in hex."""
    return hashlib.sha256(content).hexdigest()


def checksum_of(path: Path) -> str:
    """SHA-256 of a file's content, in hex."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        for chunk in iter(lambda: stream.read(CHUNK), b""):
            digest.update(chunk)
    return digest.hexdigest()


def as_npy(array: np.ndarray) -> bytes:
    """``array`` as the content of an .npy file, which can be memory-mapped."""
    stream = io.BytesIO()
    np.save(stream, np.ascontiguousarray(array), allow_pickle=False)
    return stream.getvalue()


def as_npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    """``arrays`` as the content of an .npz file, as :func:`write_npz` writes it."""
    stream = io.BytesIO()
    write_npz(stream, arrays)
    return stream.getvalue()


def write_npz(stream: IO[bytes], arrays: Mapping[str, np.ndarray]) -> None:
    """Write ``arrays`` as an .npz file, nothing compressed; the same bytes each time.

    They are asked for one after another, as numpy.savez would not.
    """
    with zipfile.ZipFile(stream, "w") as archive:
        for name, array in arrays.items():
            # An archive that is interrupted while it opens or closes a member cannot be closed.
            # Sizes are not known before the array is written, and may be above 4 GiB.
            with PROCESS.busy(), archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                np.lib.format.write_array(  # type: ignore[no-untyped-call]
                    member, np.asanyarray(array), allow_pickle=False
                )
