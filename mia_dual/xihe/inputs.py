"""The data that a job was given: published sets or an npz, under whatever name and in any folder.

The platform hands a job its data sets as folders; users lay files out in them as they like. Files
are known by their own names, and linked together as a data folder of ours.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

from mia_dual.data.catalog import PUBLISHED, PublishedSet, Source
from mia_dual.data.dataset import Dataset
from mia_dual.data.load import load_dataset
from mia_dual.errors import DataError
from mia_dual.progress import Progress
from mia_dual.quoting import quoted

DEEPEST = 6
"""Folders within one another that are looked into."""

MOST_FILES = 50_000
"""Files that are looked at; whoever names a whole system's root gets an answer all the same."""

SHOWN = 5


@dataclass(frozen=True)
class Found:
    """A data set that was found: its name, its file where it is an npz, and its records."""

    name: str
    file: Optional[Path]
    dataset: Dataset


class Inputs:
    """What lies in the folders and files among a job's arguments (name -> value).

    ``workplace``: an empty folder of our own, which lasts as long as the data are used.
    """

    def __init__(self, arguments: Mapping[str, str], workplace: Path, progress: Progress) -> None:
        self.places = {
            name: Path(value) for name, value in arguments.items() if os.path.exists(value)
        }
        self._workplace, self._progress = workplace, progress
        self._files = list(dict.fromkeys(_files(self.places.values())))

    def __str__(self) -> str:
        """The arguments that name something that is there."""
        named = ", ".join(f"--{name}={quoted(str(place))}" for name, place in self.places.items())
        return named or "the inputs, of which there are none"

    def find(self, name: str) -> Optional[Found]:
        """The data set ``name``; None where it is not among the inputs.

        Raises DataError where several files could be meant, or one is damaged.
        """
        if name == "npz":
            return self._npz()
        if name not in PUBLISHED:
            return None
        links = _links(PUBLISHED[name], self._files)
        return None if links is None else Found(name, None, self._load(name, links))

    def recognise(self) -> Optional[Found]:
        """The one data set that is there; None where there is none.

        Raises DataError where there are several, or what there is is damaged.
        """
        found: list[Found] = []
        damaged: list[DataError] = []
        left = self._files
        for name, published in PUBLISHED.items():
            links = _links(published, left)
            if links is None:
                continue
            try:
                # Sets whose files are named alike differ in their checksums.
                found.append(Found(name, None, self._load(name, links)))
            except DataError as error:
                damaged.append(error)
                continue
            taken = set(links.values())
            left = [file for file in left if file not in taken]
        names = [one.name for one in found]
        if len(names) + bool(self._arrays()) > 1:
            also = ["npz"] * bool(self._arrays())
            raise DataError(
                f"the inputs hold several data sets ({', '.join(names + also)}): say which with "
                f"--data.name={names[0]}"
            )
        if self._arrays():
            return self._npz()
        if not found and damaged:
            raise damaged[0]
        return found[0] if found else None

    def _arrays(self) -> list[Path]:
        return [file for file in self._files if file.suffix == ".npz"]

    def _npz(self) -> Optional[Found]:
        files = self._arrays()
        if len(files) > 1:
            shown = ", ".join(quoted(str(file)) for file in files[:SHOWN])
            raise DataError(
                f"the inputs hold {len(files)} npz files ({shown}): say which with --data.name=npz "
                f"--data.file={files[0]}"
            )
        return Found("npz", files[0], load_dataset("npz", file=files[0])) if files else None

    def _load(self, name: str, links: Mapping[str, Path]) -> Dataset:
        home = self._workplace / name
        for path, file in links.items():
            (home / path).parent.mkdir(parents=True, exist_ok=True)
            (home / path).symlink_to(file.resolve())
        return load_dataset(name, data_dir=home, progress=self._progress)


def _files(places: Iterable[Path]) -> Iterator[Path]:
    """Files at and under ``places``, in a fixed order."""
    count = 0
    for place in places:
        if place.is_file():
            yield place
            continue
        for folder, folders, files in os.walk(place):
            depth = len(Path(folder).relative_to(place).parts)
            folders[:] = sorted(folders) if depth < DEEPEST else []
            for file in sorted(files):
                count += 1
                if count > MOST_FILES:
                    return
                yield Path(folder) / file


def _links(published: PublishedSet, files: Sequence[Path]) -> Optional[dict[str, Path]]:
    """Path under a data folder -> file, for the first form that is there whole; None if none is."""
    for sources in published.forms.values():
        parts = [_of_source(source, files) for source in sources]
        if None not in parts:
            return {path: file for part in parts if part for path, file in part.items()}
    return None


def _of_source(source: Source, files: Sequence[Path]) -> Optional[dict[str, Path]]:
    unpacked = {path: _best(path, files) for path in source.gives.values()}
    ready = {path: file for path, file in unpacked.items() if file is not None}
    if len(ready) == len(unpacked):
        return ready
    packed = _best(source.home, files)
    return None if packed is None else {source.home: packed}


def _best(path: str, files: Sequence[Path]) -> Optional[Path]:
    """The file named as ``path`` is that lies in folders most like its own."""
    wanted = Path(path).parts[::-1]
    named = [file for file in files if file.name == wanted[0] and file.is_file()]
    return max(named, key=lambda file: _alike(file.parts[::-1], wanted), default=None)


def _alike(one: Sequence[str], other: Sequence[str]) -> int:
    count = 0
    for a, b in zip(one, other):
        if a != b:
            break
        count += 1
    return count
