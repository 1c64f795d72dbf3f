"""Objects by key, shared by all runs that lie beside the store.

Layout: ``objects/<first two letters>/<key>.<suffix>`` and beside each a line about it
(``<key>.entry``), written once the object is there whole; ``references/<run>.txt``, the keys a
run needs, a line each, after the path of its folder; lines are added as it comes to need more.
Nothing is locked while objects are written, since objects of one key are equal; only what changes
references takes the store's lock.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Optional, Union

from filelock import FileLock

from mia_dual.errors import StoreError, UnwritableError
from mia_dual.progress import Advance, unheard
from mia_dual.store.entry import SUFFIX, Entry, Kind
from mia_dual.store.files import PARTIAL, checksum, checksum_of, link_or_copy, write_atomically

ABANDONED = 24 * 3600
"""Seconds after which a file that is still being written is what a kill left."""

REMOVED_AT_ONCE = 16
"""Objects that are being removed at a time: a disk makes each wait, and many wait together."""

VARIABLE = "MIA_DUAL_STORE"
"""Names the store's folder where nobody names one on the command line."""


def store_folder(named: Optional[Path], runs: Path) -> Path:
    """The folder that was ``named``, or ``$MIA_DUAL_STORE``, or ``store`` beside the ``runs``."""
    if named is not None:
        return named
    variable = os.environ.get(VARIABLE)
    return Path(variable) if variable else runs / "store"


class Store:
    """The objects in ``path``. Raises StoreError where it cannot be made or written.

    What is found not to be as it was written counts as absent, so that whoever looked for it makes
    it again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._objects = str(path / "objects")
        self._damaged: dict[str, None] = {}
        try:
            (path / "objects").mkdir(parents=True, exist_ok=True)
            (path / "references").mkdir(exist_ok=True)
        except OSError as error:
            raise UnwritableError(
                f"store '{path}' cannot be made: {error.strerror}: name another --store"
            ) from error
        self._lock = FileLock(str(path / ".lock"))

    @property
    def damaged(self) -> list[str]:
        """Names of what was found to be damaged since this store was opened."""
        return list(self._damaged)

    def count(self) -> int:
        """How many keys there are files of; nothing is read for it."""
        return sum(len(files) for files in self._files())

    def has(self, key: str) -> bool:
        """Whether something lies under ``key``, sound or not."""
        return self._entry_file(key).exists()

    def find(self, key: str) -> Optional[Entry]:
        """What is known of the object of ``key``; None where there is none, or it is damaged.

        The object's content is looked at when it is read.
        """
        # Text, since paths as objects take longer than the files.
        place = f"{self._objects}/{key[:2]}/{key}"
        try:
            with open(f"{place}.entry", encoding="utf-8") as stream:
                entry = Entry.decode(stream.read())
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError):
            entry = None
        if entry is None or entry.key != key:
            self._note(f"entry of {key[:12]}")
            return None
        try:
            size = os.stat(f"{place}{SUFFIX[entry.kind]}").st_size
        except OSError:
            size = -1
        if size == entry.bytes:
            return entry
        self._note(f"{entry.kind} '{entry.name}'")
        return None

    def file(self, entry: Entry) -> Path:
        """Where the object of ``entry`` lies."""
        return self._entry_file(entry.key).with_name(entry.file)

    def read(self, entry: Entry) -> Optional[bytes]:
        """The object's content, checked; None where it is damaged."""
        try:
            content = self.file(entry).read_bytes()
        except OSError:
            content = b""
        if checksum(content) == entry.sha256:
            return content
        self._note(f"{entry.kind} '{entry.name}'")
        return None

    def is_sound(self, entry: Entry) -> bool:
        """Whether the object's content is as it was written."""
        try:
            sound = checksum_of(self.file(entry)) == entry.sha256
        except OSError:
            sound = False
        if not sound:
            self._note(f"{entry.kind} '{entry.name}'")
        return sound

    def put(
        self,
        key: str,
        kind: Kind,
        name: str,
        content: bytes,
        seconds: float = 0.0,
        passing: bool = False,
    ) -> Entry:
        """Store ``content`` under ``key``; see :class:`Entry` for the rest."""
        entry = Entry(key, kind, name, len(content), checksum(content), seconds, passing)
        # Many small files, each of which takes less to make again than to see on the disk; one that
        # is not whole is noticed by its checksum.
        durable = kind != "scores"
        self._write(self.file(entry), content, durable)
        self._write(self._entry_file(key), entry.encode().encode(), durable)
        return entry

    def stay(self, entry: Entry) -> Entry:
        """``entry`` as one that is not passing any more."""
        if entry.passing:
            entry = replace(entry, passing=False)
            self._write(self._entry_file(entry.key), entry.encode().encode())
        return entry

    def adopt(self, entry: Entry, file: Path) -> bool:
        """Take ``file`` in as the object of ``entry``, if that is what it holds."""
        try:
            if file.stat().st_size != entry.bytes or checksum_of(file) != entry.sha256:
                return False
        except OSError:
            return False
        try:
            # A link to a symbolic link would be one, to a file that may go or change.
            link_or_copy(file.resolve(), self.file(entry))
        except OSError as error:
            raise _unwritable(self.path, error) from error
        self._write(self._entry_file(entry.key), entry.encode().encode())
        return True

    def remove(self, key: str) -> int:
        """Remove the object of ``key`` and say how many bytes that freed."""
        place = self._entry_file(key)
        try:
            return _remove([place, *(place.with_suffix(suffix) for suffix in _SUFFIXES)])
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def __iter__(self) -> Iterator[Entry]:
        """Every object that can be found, by key."""
        for files in self._files():
            for key in files:
                entry = self.find(key)
                if entry is not None:
                    yield entry

    def refer(self, run: Path, keys: Iterable[str]) -> None:
        """Note that the run folder ``run`` needs the objects of ``keys``, there or yet to come, and
        none else.
        """
        lines = [str(run.resolve()), *sorted(set(keys))]
        with self._alone():
            self._write(self._reference_file(run), "\n".join(lines).encode() + b"\n")

    def refer_more(self, run: Path, keys: Iterable[str]) -> None:
        """Note that ``run``, which :meth:`refer` told of, needs the objects of ``keys`` too."""
        # A line that a kill left unfinished is no key, and no more is added to it.
        lines = "".join(f"\n{key}" for key in sorted(set(keys)))
        with self._alone(), self._reference_file(run).open("ab") as stream:
            started = stream.tell() > 0
            stream.write(f"{'' if started else run.resolve()}{lines}".encode())
            stream.flush()
            os.fsync(stream.fileno())

    def referred(self) -> dict[str, list[str]]:
        """Key -> run folders that need it; folders that are gone need nothing any more, and
        those of :meth:`unseen` need what they did.
        """
        return self._needed(_gone(self._runs()))

    def unseen(self) -> list[str]:
        """Run folders that are not here, though nothing shows that they were removed: they may be
        on a disk that is not mounted, or be another machine's.
        """
        runs = self._runs()
        gone = _gone(runs)
        return [run for run in runs if run not in gone and not _is_run(run)]

    def prune(self, report: Advance = unheard, gone: bool = False) -> tuple[int, int]:
        """Remove what no run folder refers to; say how many objects and bytes that was.

        ``report`` is told of objects that were looked at. ``gone``: those of :meth:`unseen` need
        nothing any more. Raises StoreError where it is not known which run needs what.
        """
        objects = freed = 0
        with self._alone():
            damaged = self._damaged_references()
            if damaged:
                raise StoreError(
                    f"'{damaged[0]}' does not name the run folder it was written for, so that "
                    "nothing is removed: run that folder's command again, which writes it anew, "
                    "or remove the file where the folder is gone"
                )
            runs = self._runs()
            left = {run for run in runs if not _is_run(run)} if gone else _gone(runs)
            needed = self._needed(left)
            with ThreadPoolExecutor(REMOVED_AT_ONCE) as threads:
                for files in self._files():
                    unneeded = [there for key, there in files.items() if key not in needed]
                    objects += len(unneeded)
                    freed += sum(threads.map(_remove, unneeded))
                    report(len(files))
            freed += sum(map(_sweep, (self.path / "objects").glob(f"*/.*{PARTIAL}")))
            for file, run, _ in list(self._references()):
                if run in left:
                    file.unlink(missing_ok=True)
        return objects, freed

    def discard(self, keys: Iterable[str]) -> None:
        """Remove those objects of ``keys`` that no run folder refers to; none where it is not known
        which run needs what.
        """
        with self._alone():
            if self._damaged_references():
                return
            for key in set(keys) - self.referred().keys():
                self.remove(key)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the lock; StoreError where that, or what is done meanwhile, cannot be written."""
        try:
            with self._lock:
                yield
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def _runs(self) -> list[str]:
        return sorted(run for _, run, _ in self._references())

    def _needed(self, gone: Collection[str]) -> dict[str, list[str]]:
        runs: dict[str, list[str]] = {}
        for _, run, keys in self._references():
            if run not in gone:
                for key in keys:
                    runs.setdefault(key, []).append(run)
        return runs

    def _references(self) -> Iterator[tuple[Path, str, list[str]]]:
        """Each file of references, the run folder it names, and the keys that run needs."""
        for file in sorted((self.path / "references").glob("*.txt")):
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines() or [""]
            yield file, lines[0], list(filter(None, lines[1:]))

    def _damaged_references(self) -> list[Path]:
        """Files of references that do not name the run folder their own name is made of."""
        return [file for file, run, _ in self._references() if file.name != _references_of(run)]

    def _files(self) -> Iterator[Mapping[str, list[str]]]:
        """The files of each key, the entry first, folder by folder, by key."""
        with os.scandir(self._objects) as there:
            folders = sorted(folder.path for folder in there if folder.is_dir())
        for folder in folders:
            found: dict[str, list[str]] = {}
            for name in sorted(os.listdir(folder), key=_entries_first):
                if not name.startswith("."):
                    found.setdefault(name.partition(".")[0], []).append(f"{folder}/{name}")
            yield {key: found[key] for key in sorted(found)}

    def _entry_file(self, key: str) -> Path:
        return self.path / "objects" / key[:2] / f"{key}.entry"

    def _reference_file(self, run: Path) -> Path:
        return self.path / "references" / _references_of(str(run.resolve()))

    def _write(self, path: Path, content: bytes, durable: bool = True) -> None:
        try:
            write_atomically(path, content, durable)
        except OSError as error:
            raise _unwritable(self.path, error) from error

    def _note(self, what: str) -> None:
        self._damaged[what] = None


_SUFFIXES = sorted(set(SUFFIX.values()))


def _entries_first(name: str) -> tuple[bool, str]:
    return not name.endswith(".entry"), name


def _remove(files: Iterable[Union[str, Path]]) -> int:
    """Remove those of ``files`` that are there, and say how many bytes they were."""
    freed = 0
    # The entry is the first: an object without one is nothing that anybody finds.
    for file in files:
        with suppress(FileNotFoundError):
            size = os.stat(file).st_size
            os.unlink(file)
            freed += size
    return freed


def _sweep(partial: Path) -> int:
    """Remove a file that whoever wrote it cannot be writing any more; say how many bytes."""
    try:
        found = partial.stat()
        if time.time() - found.st_mtime < ABANDONED:
            return 0
        partial.unlink()
    except OSError:
        return 0
    return found.st_size


def _references_of(run: str) -> str:
    """The name of the file that says what the folder ``run`` needs."""
    return f"{hashlib.sha256(run.encode()).hexdigest()[:32]}.txt"


def _is_run(folder: str) -> bool:
    # One that may not be looked into is none that can be seen.
    return bool(folder) and os.path.isfile(os.path.join(folder, "config.yaml"))


def _gone(runs: Iterable[str]) -> set[str]:
    """Those of the folders ``runs`` (sorted) that were removed here, alone or with a study's."""
    gone: set[str] = set()
    for run in runs:
        if not _is_run(run) and (_was_removed(run) or os.path.dirname(run) in gone):
            gone.add(run)
    return gone


def _was_removed(folder: str) -> bool:
    """Whether ``folder``, in which no run is to be seen, was removed or emptied.

    That shows where what is left can be read, and holds something: a folder with nothing in it may
    be where a disk is mounted at other times.
    """
    if not folder:
        return True
    left = folder if os.path.lexists(folder) else os.path.dirname(folder)
    try:
        with os.scandir(left) as there:
            return any(there) and os.access(left, os.X_OK)
    except OSError:
        return False


def _unwritable(path: Path, error: OSError) -> UnwritableError:
    return UnwritableError(
        f"store '{path}' cannot be written ({error.strerror}): make room or name another --store; "
        "what is stored is kept"
    )
