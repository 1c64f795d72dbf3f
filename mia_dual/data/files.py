"""Finds a published set's files, or makes them be there: unpacked, checked, downloaded."""

from __future__ import annotations

import gzip
import os
import shutil
import tarfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Optional

from mia_dual.data.catalog import PublishedSet, Source
from mia_dual.data.download import download, md5_of
from mia_dual.errors import DataError, DownloadError
from mia_dual.progress import Progress


def default_folder() -> Path:
    """``$MIA_DUAL_DATA``, or a folder in the user's cache."""
    named = os.environ.get("MIA_DUAL_DATA")
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(named) if named else Path(cache) / "mia-dual" / "data"


def is_present(published: PublishedSet, form: str, folder: Optional[Path]) -> Optional[Path]:
    """The folder in which the set lies ready or packed, or None; nothing is changed."""
    for place in _places(published, folder):
        if all(
            _ready(source, place) or _packed(source, [place]) for source in published.sources(form)
        ):
            return place
    return None


def make_ready(
    published: PublishedSet, form: str, folder: Optional[Path], progress: Progress
) -> Path:
    """Return a data folder that holds all files of ``published`` that a reader of ``form`` needs.

    Looked for, in this order: files ready to read, packed files to unpack (each checked), and
    the publisher's site. Raises DataError naming a file that is damaged, or every file that was
    looked for.
    """
    sources = published.sources(form)
    places = _places(published, folder)
    for place in places:
        if all(_ready(source, place) for source in sources):
            return place
    home = _writable(places[: 1 if folder is None else 2])
    for source in sources:
        if _ready(source, home):
            continue
        packed = _packed(source, places)
        try:
            packed = packed or download(source, home / "downloads", progress)
        except DownloadError as error:
            raise DownloadError(
                f"data '{published.name}' is not here and {error}; looked for "
                f"{', '.join(source.gives.values())} or {source.name} in "
                f"{', '.join(map(str, places))}: put them there, or name their folder with "
                "--data-dir"
            ) from error
        _unpack(source, packed, home)
    return home


def _places(published: PublishedSet, folder: Optional[Path]) -> list[Path]:
    chosen = [] if folder is None else [folder]
    return [*chosen, default_folder(), *published.places]


def _writable(places: list[Path]) -> Path:
    for place in places:
        try:
            place.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(place, os.W_OK):
            return place
    raise DataError(f"no data folder can be written: {', '.join(map(str, places))}")


def _ready(source: Source, place: Path) -> bool:
    return all((place / path).is_file() for path in source.gives.values())


def _packed(source: Source, places: list[Path]) -> Optional[Path]:
    beside = {str(Path(path).parent) for path in source.gives.values()}
    for place in places:
        for inside in (".", "downloads", *sorted(beside)):
            if (place / inside / source.name).is_file():
                return place / inside / source.name
    return None


def _unpack(source: Source, packed: Path, home: Path) -> None:
    try:
        if not _is_as_published(source, packed):
            raise DataError(
                f"'{packed}' is damaged or another version (its MD5 is not {source.md5}): "
                "delete it, and it is downloaded again"
            )
        for member, path in source.gives.items():
            with _opened(packed, member) as stream:
                _write(stream, home / path)
    except (OSError, EOFError, zlib.error, tarfile.TarError, KeyError) as error:
        raise DataError(f"'{packed}' cannot be unpacked: {error}") from error


def _is_as_published(source: Source, packed: Path) -> bool:
    with packed.open("rb") as stream:
        if md5_of(stream) == source.md5:
            return True
    if not source.content_md5:
        return False
    with _opened(packed, "") as content:
        return md5_of(content) == source.content_md5


@contextmanager
def _opened(packed: Path, member: str) -> Iterator[BinaryIO]:
    if member:
        with tarfile.open(packed) as archive:
            stream = archive.extractfile(member)
            if stream is None:
                raise KeyError(f"{member} is no file")
            yield stream  # type: ignore[misc]
    elif packed.suffix == ".gz":
        with gzip.open(packed) as zipped:
            yield zipped  # type: ignore[misc]
    else:
        with packed.open("rb") as plain:
            yield plain


def _write(stream: BinaryIO, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("wb") as out:
        shutil.copyfileobj(stream, out)
    os.replace(partial, path)
