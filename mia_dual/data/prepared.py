"""Data sets kept as arrays after the first reading, so that the next one maps them into memory.

A prepared copy is a folder ``prepared/<name>`` with ``features.npy``, ``labels.npy`` and
``prepared.json``, which holds the data set's digest, what else a ``Dataset`` says, and what it
was made from. The arrays are hashed whenever they are used: that the digest is still the noted
one is the proof that nothing is damaged, and it is needed anyway. A copy that is damaged, half
written, or made from other files than would be read now is never used, and made again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Callable, Optional

import numpy as np

from mia_dual.data.dataset import Dataset
from mia_dual.data.files import first_writable
from mia_dual.data.npy import mapped

FORMAT = 2
"""Raise it when the same files would be read to other arrays, or are kept in another way."""

CARD = "prepared.json"

SAID = ("name", "classes", "training", "standardise", "categories")
"""What a ``Dataset`` says beside its arrays."""


@dataclass(frozen=True)
class Reading:
    """A data set just read, which versions of which files it was read from, and their MD5s."""

    dataset: Dataset
    made_from: tuple[str, ...]
    md5: Mapping[str, str]


def prepared(
    name: str,
    folders: Sequence[Path],
    made_from: Callable[[], Optional[tuple[str, ...]]],
    read: Callable[[], Reading],
) -> Dataset:
    """The data set ``name`` from its prepared copy; where there is none, ``read`` and kept.

    Looked for in each of the data ``folders``, kept in the first that can be written, or not at
    all. ``made_from`` says what would be read now; None: nothing is here, and any copy will do.
    Raises what ``read`` raises.
    """
    now = made_from()
    for folder in folders:
        found = _load(_home(folder, name), now)
        if found is not None:
            return found
    with _alone(name, folders) as home:
        if home is None:
            return read().dataset
        # Another run may have made it while this one waited.
        found = _load(home, made_from())
        return found or _keep(home, read())


def holds_prepared(name: str, folder: Path) -> bool:
    """Whether ``folder`` has a copy of ``name``, checked by nobody yet."""
    return (_home(folder, name) / CARD).is_file()


def _home(folder: Path, name: str) -> Path:
    return folder / "prepared" / name


@contextmanager
def _alone(name: str, folders: Sequence[Path]) -> Iterator[Optional[Path]]:
    """The folder to keep ``name`` in, for this process alone; None where nothing can be kept."""
    from filelock import FileLock

    folder = first_writable(folders)
    home = None if folder is None else _home(folder, name)
    lock = None
    if home is not None:
        try:
            home.mkdir(parents=True, exist_ok=True)
            lock = FileLock(str(home / ".lock"))
            lock.acquire()
        except (OSError, NotImplementedError):
            home = lock = None
    try:
        yield home
    finally:
        if lock is not None:
            lock.release()


def _load(home: Path, made_from: Optional[tuple[str, ...]]) -> Optional[Dataset]:
    try:
        card = json.loads((home / CARD).read_text(encoding="utf-8"))
        if card.pop("checksum") != _checksum(card) or card["format"] != FORMAT:
            return None
        if made_from is not None and tuple(card["made_from"]) != made_from:
            return None
        features, labels = mapped(home / "features.npy"), mapped(home / "labels.npy")
        dataset = Dataset(features=features, labels=labels, **{key: card[key] for key in SAID})
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None
    return dataset if dataset.digest() == card["digest"] else None


def _keep(home: Path, reading: Reading) -> Dataset:
    dataset = reading.dataset
    card: dict[str, Any] = {
        "format": FORMAT,
        "digest": dataset.digest(),
        **{key: getattr(dataset, key) for key in SAID},
        "made_from": list(reading.made_from),
        "md5": dict(reading.md5),
    }
    card["checksum"] = _checksum(card)
    try:
        _replace(home / "features.npy", lambda stream: np.save(stream, dataset.features))
        _replace(home / "labels.npy", lambda stream: np.save(stream, dataset.labels))
        # Last: until it is there, the arrays do not count.
        text = json.dumps(card, indent=1).encode()
        _replace(home / CARD, lambda stream: stream.write(text))
    except OSError:
        return dataset
    # What later runs use is used from the first on: arrays that are mapped and read-only.
    return _load(home, reading.made_from) or dataset


def _replace(file: Path, write: Callable[[BinaryIO], object]) -> None:
    partial = file.with_name(f".{file.name}.partial")
    try:
        with partial.open("wb") as stream:
            write(stream)
        os.replace(partial, file)
    except OSError:
        partial.unlink(missing_ok=True)
        raise


def _checksum(card: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(card, sort_keys=True).encode()).hexdigest()
