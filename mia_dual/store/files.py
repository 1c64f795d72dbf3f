"""Files that are there whole or not at all."""

from __future__ import annotations

import hashlib
import io
import os
import secrets
import shutil
from collections.abc import Mapping
from pathlib import Path

import numpy as np

PARTIAL = ".partial"
"""How the name of a file ends that is still being written."""

CHUNK = 1 << 20


def write_atomically(path: Path, content: bytes, durable: bool = True) -> None:
    """Write ``content`` beside ``path`` and move it there: a kill leaves the old file or none.

    Several processes may write one path at once; the last one's file stays. Where it need not be
    ``durable``, a machine that loses power may leave a file that is not whole.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}{PARTIAL}")
    try:
        with partial.open("wb") as stream:
            stream.write(content)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        os.replace(partial, path)
    except BaseException:
        partial.unlink(missing_ok=True)
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
    """``arrays`` as the content of an .npz file, nothing compressed; the same bytes each time."""
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()
