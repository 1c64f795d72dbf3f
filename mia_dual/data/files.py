"""Finds a published set's files, ready or packed, downloads what is nowhere, and reads them."""

from __future__ import annotations

import gzip
import hashlib
import os
import tarfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional, Protocol

from mia_dual.data.catalog import PublishedSet, Source
from mia_dual.errors import DataError, DownloadError
from mia_dual.progress import Progress
from mia_dual.store.files import checksum_of

LONGEST = 2**28
"""Bytes; no published file is longer, so whatever unpacks to more is none."""


class Readable(Protocol):
    """A file or what unpacks one."""

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes."""
        ...


@dataclass(frozen=True)
class Located:
    """Where a source lies: ``files``, unpacked ones by path, or one packed file that gives all."""

    source: Source
    files: tuple[Path, ...]
    packed: bool


@dataclass(frozen=True)
class Content:
    """What a file holds, unpacked, and where it came from.

    ``as_published``: its MD5, or the SHA-256 of the file it was packed in, is the published one.
    """

    origin: str
    data: bytes
    md5: str
    as_published: bool

    def damaged(self, how: str) -> DataError:
        """The error that says so, and how."""
        return DataError(
            f"'{self.origin}' is damaged: {how}; delete it, and it is downloaded again"
        )


def default_folder() -> Path:
    """``$MIA_DUAL_DATA``, or a folder in the user's cache."""
    named = os.environ.get("MIA_DUAL_DATA")
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(named) if named else Path(cache) / "mia-dual" / "data"


def data_folders(chosen: Optional[Path]) -> list[Path]:
    """The folders that data sets are looked for in and kept in, the user's choice first."""
    return [*([] if chosen is None else [chosen]), default_folder()]


def first_writable(folders: Sequence[Path]) -> Optional[Path]:
    """The first of ``folders`` that can be written, made if need be; None where none can."""
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            return folder
    return None


def locate(
    published: PublishedSet, folders: Sequence[Path]
) -> Optional[tuple[str, tuple[Located, ...]]]:
    """The form in which all files of ``published`` are here, and where they lie; else None.

    The first folder that holds a whole form decides; in it, the form we would rather read.
    Nothing is opened.
    """
    places = [*folders, *published.places]
    for among in (*([place] for place in places), places):
        for form, sources in published.forms.items():
            found = [_find(source, among) for source in sources]
            located = tuple(one for one in found if one is not None)
            if len(located) == len(sources):
                return form, located
    return None


def fetch(
    published: PublishedSet, folders: Sequence[Path], progress: Progress
) -> tuple[str, tuple[Located, ...]]:
    """Download what ``locate`` did not find of the form we would rather read, and locate it.

    Raises DownloadError naming what was looked for where and what every address said.
    """
    from mia_dual.data.download import download

    places = [*folders, *published.places]
    home = first_writable(folders)
    if home is None:
        raise DataError(f"no data folder can be written: {', '.join(map(str, folders))}")
    form, sources = next(iter(published.forms.items()))
    located = []
    for source in sources:
        found = _find(source, places)
        if found is None:
            try:
                download(source, (home / source.home).parent, progress)
            except DownloadError as error:
                raise DownloadError(
                    f"data '{published.name}' is not here and {error}; looked for "
                    f"{', '.join(source.gives.values())} or {source.name} in "
                    f"{', '.join(map(str, places))}: put them there, or name their folder with "
                    "--data-dir"
                ) from error
            found = _find(source, [home])
        if found is not None:
            located.append(found)
    return form, tuple(located)


def fingerprint(located: Sequence[Located]) -> tuple[str, ...]:
    """What tells each file from another version of it without opening it: name, size, time."""
    files = [(file.name, file.stat()) for one in located for file in one.files]
    return tuple(f"{name} {stat.st_size} {stat.st_mtime_ns}" for name, stat in files)


def read(located: Sequence[Located]) -> list[Content]:
    """Every file of ``located``, checked where its sum is known, in the order of the catalog.

    Raises DataError naming a file that is unreadable, damaged or another version.
    """
    return [content for one in located for content in _contents(one)]


def _find(source: Source, places: Sequence[Path]) -> Optional[Located]:
    for place in places:
        files = tuple(place / path for path in source.gives.values())
        if all(file.is_file() for file in files):
            return Located(source, files, packed=False)
        for packed in (place / source.home, place / source.name):
            if packed.is_file():
                return Located(source, (packed,), packed=True)
    return None


def _contents(located: Located) -> list[Content]:
    source = located.source
    try:
        if not located.packed:
            return [
                _checked(file, file.read_bytes(), source.sums.get(path, ""))
                for file, path in zip(located.files, source.gives.values())
            ]
        (packed,) = located.files
        if "" not in source.gives:
            return list(_members(source, packed))
        (path,) = source.gives.values()
        if path in source.sums:
            # Others are known to have compressed these again: their content tells.
            return [_checked(packed, _unzipped(packed), source.sums[path])]
        _check_whole(source, packed)
        return [_checked(packed, _unzipped(packed), "", as_published=True)]
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        names = ", ".join(map(str, located.files))
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"'{names}' cannot be read ({reason}): delete it, and it is downloaded again"
        ) from error


def _checked(file: Path, data: bytes, known: str, as_published: bool = False) -> Content:
    found = hashlib.md5(data, usedforsecurity=False).hexdigest()
    if known and found != known:
        raise _another(file, "MD5", known)
    return Content(str(file), data, found, as_published or bool(known))


def _check_whole(source: Source, packed: Path) -> None:
    if checksum_of(packed) != source.sha256:
        raise _another(packed, "SHA-256", source.sha256)


def _another(file: Path, kind: str, known: str) -> DataError:
    return DataError(
        f"'{file}' is damaged, or of another set or version (its {kind} is not {known}): delete "
        "it or move it away, and it is downloaded again"
    )


def _unzipped(packed: Path) -> bytes:
    if packed.suffix != ".gz":
        return packed.read_bytes()
    with gzip.open(packed) as stream:
        return _at_most(stream, packed)


def _at_most(stream: Readable, packed: Path) -> bytes:
    data = stream.read(LONGEST + 1)
    if len(data) > LONGEST:
        raise OSError(f"{packed.name} unpacks to more than any published file")
    return data


def _members(source: Source, packed: Path) -> Iterator[Content]:
    _check_whole(source, packed)
    data: dict[str, bytes] = {}
    # A stream is unpacked once; members by name would unpack all before them each time.
    with tarfile.open(packed, "r|*") as archive:
        for member in archive:
            stream = archive.extractfile(member) if member.name in source.gives else None
            if stream is not None:
                data[member.name] = _at_most(stream, packed)
    for name, path in source.gives.items():
        if name not in data:
            raise OSError(f"it has no {name}")
        known = source.sums.get(path, "")
        yield _checked(packed / name, data[name], known, as_published=True)
