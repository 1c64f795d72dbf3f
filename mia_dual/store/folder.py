"""A run folder, open for one process at a time.

Layout: ``config.yaml``, ``environment.json``, ``plan.json`` and ``plan.npz``, ``models/``,
``answers/`` (the files of the store, linked or copied, so that the folder is whole by itself;
``answers/target-epoch-<epochs>.npy`` are of states of the target that its curve is of, about the
records under audit, sorted),
``scores.npz``, ``roc.npz``, ``results.json``, ``cost.json``, ``index.jsonl`` (key, checksum and
place of every linked file) and the append-only ``log.jsonl``. Where records are made for shadows,
also ``shadow_records.npz`` (linked too) and ``scores_with_real.npz``, of the same attacks without.
Where attacks on groups learn from both kinds of shadows, also ``scores_with_single.npz``, of those
that learnt from single ones.
Where anything is deleted, also ``forgetting.npz``: for every request and method the ``rows``
(records,) that are deleted or held against those, and of each record, where several targets tell
of it, U-LiRA's ``auc`` and ``p``, ``epsilon`` and ``epsilon_least`` (see
:mod:`mia_dual.forgetting`), float64.
After a request to delete also ``ledger.jsonl`` (append-only) and ``certificate.json``, with
``certificate.sig`` where that is signed, and while it is carried out ``deletion.pending.json``.
``report.html``, where one was asked for, is a page on all of that (see
:mod:`mia_dual.report.page`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any, Optional, Protocol

import numpy as np
from filelock import FileLock, Timeout

from mia_dual.errors import StoreError, UnwritableError
from mia_dual.quoting import quoted
from mia_dual.store.entry import Entry
from mia_dual.store.files import (
    PARTIAL,
    append_line,
    checksum_of,
    link_or_copy,
    write_atomically,
    write_npz,
    written_atomically,
)
from mia_dual.store.objects import Store
from mia_dual.yaml_file import YamlError, read_yaml, read_yaml_file

SHADOW_RECORDS = "shadow_records.npz"
SCORES_WITH_REAL = "scores_with_real.npz"
FORGETTING = "forgetting.npz"
SCORES_WITH_SINGLE = "scores_with_single.npz"
LEDGER = "ledger.jsonl"
PENDING = "deletion.pending.json"
CERTIFICATE = "certificate.json"
SIGNATURE = "certificate.sig"
REPORT = "report.html"
LINKED = ("models", "answers", "slices")
FOLDERS = (*LINKED, "report")
FILES = (
    "config.yaml",
    "environment.json",
    "plan.json",
    "plan.npz",
    SHADOW_RECORDS,
    "scores.npz",
    SCORES_WITH_REAL,
    SCORES_WITH_SINGLE,
    "roc.npz",
    FORGETTING,
    LEDGER,
    PENDING,
    CERTIFICATE,
    SIGNATURE,
    "results.json",
    "cost.json",
    REPORT,
    "index.jsonl",
    "log.jsonl",
)
LOCK = ".lock"


class Described(Protocol):
    """What a folder is of: a config, or a study of several."""

    def to_yaml(self) -> str:
        """All that tells it from another, as YAML."""
        ...


class RunFolder:
    """The folder of one run of one config, as a context manager that holds its lock.

    A study has one too: it holds what refers to the models of all its runs.

    ``adopt``: whether objects that the folder holds, and the store lacks, are taken over into the
    store under the keys that ``index.jsonl`` gives. Nothing shows that they are what their keys
    say, so that is for folders of one's own.

    Raises StoreError when the folder holds a run of another config, another process has it, or
    something else lies where its files go, a link that leads elsewhere included.
    """

    def __init__(self, path: Path, config: Described, store: Store, *, adopt: bool = False) -> None:
        self.path, self.store = path, store
        self.adopts = adopt
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UnwritableError(
                f"run folder '{path}' cannot be made: {error.strerror}: name another --out"
            ) from error
        self._lock = FileLock(str(path / LOCK))
        self._config = config
        self._keys: set[str] = set()
        self._linked: dict[str, Entry] = {}
        self._names: dict[str, list[str]] = {}
        self._replaced: dict[str, None] = {}

    def __enter__(self) -> RunFolder:
        """Take the lock, then look whose run this is."""
        # Taking a lock empties the file that it is, wherever that lies.
        self._refuse_link(LOCK)
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise StoreError(
                f"run folder '{self.path}' is in use by another run: wait, or name another --out"
            ) from error
        except OSError as error:
            raise UnwritableError(
                f"run folder '{self.path}' cannot be written ({error.strerror}): name another --out"
            ) from error
        try:
            self._sweep()
            self._claim()
            self._linked = read_index(self.path / "index.jsonl")
            self._names = {}
            for name, entry in self._linked.items():
                self._names.setdefault(entry.key, []).append(name)
        except BaseException:
            self._lock.release()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Let the next run in."""
        self._lock.release()

    @property
    def offered(self) -> int:
        """How many objects this folder holds and the store lacks: what ``adopt`` would take."""
        held = {entry.key for name, entry in self._linked.items() if self._holds(name, entry)}
        return sum(not self.store.has(key) for key in held)

    def say_offered(self, taken: str) -> Optional[str]:
        """A line about objects that are made again though this folder holds them, and how they are
        ``taken``; None where there are none.
        """
        offered = 0 if self.adopts else self.offered
        if not offered:
            return None
        return (
            f"run folder '{self.path}' holds {offered} models and answers that store "
            f"'{self.store.path}' lacks: they are made again; {taken}, if you trust them as your "
            "own"
        )

    @property
    def replaced(self) -> list[str]:
        """Files of this folder, as its index has them, that made way for something else that was
        made under the same keys.
        """
        return list(self._replaced)

    def _holds(self, name: str, entry: Entry) -> bool:
        try:
            return (self.path / name).stat().st_size == entry.bytes
        except OSError:
            return False

    def _sweep(self) -> None:
        """Remove what a kill left half written: who takes the lock has nothing in writing yet."""
        # A page is written without the lock.
        places = [self.path / f".{name}.*{PARTIAL}" for name in FILES if name != REPORT]
        if (self.path / "config.yaml").is_file():
            places += [self.path / name / f".*{PARTIAL}" for name in LINKED]
        for place in places:
            for partial in place.parent.glob(place.name):
                with suppress(OSError):
                    partial.unlink()

    def _claim(self) -> None:
        for name in (*FILES, *FOLDERS):
            self._refuse_link(name)
        for name in FILES:
            if (self.path / name).exists() and not (self.path / name).is_file():
                raise self._in_the_way(name, "a file")
        for name in FOLDERS:
            if (self.path / name).exists() and not (self.path / name).is_dir():
                raise self._in_the_way(name, "a folder")
        file = self.path / "config.yaml"
        others = sorted(
            found.name for found in self.path.iterdir() if found.name not in (LOCK, file.name)
        )
        if not file.exists():
            if set(others) & {*FILES, *FOLDERS}:
                raise StoreError(
                    f"run folder '{self.path}' has lost its config.yaml: put it back, or name "
                    "another --out"
                )
            if others:
                raise StoreError(
                    f"'{self.path}' is no run folder and is not empty (it holds '{others[0]}'): "
                    "name another --out"
                )
        elif others:
            self._compare(file)
            return
        # Nothing was made there yet (a setting was refused, say): nothing can be lost.
        self.write("config.yaml", self._config.to_yaml().encode())

    def _refuse_link(self, name: str) -> None:
        """A folder from elsewhere could have its log written to any file of the user's."""
        if (self.path / name).is_symlink():
            raise StoreError(
                f"'{self.path / name}' is a symbolic link, which a run folder does not write "
                "through: put what it leads to in its place, or name another --out"
            )

    def _in_the_way(self, name: str, expected: str) -> StoreError:
        return StoreError(
            f"'{self.path / name}' is not {expected}, which a run folder needs there: move it "
            "away, or name another --out"
        )

    def _compare(self, file: Path) -> None:
        try:
            found = read_yaml_file(file)
        except YamlError as error:
            raise StoreError(f"'{file}' cannot be read: {error}: name another --out") from error
        ours, theirs = flat(read_yaml(self._config.to_yaml())), flat(found)
        for key in sorted(ours.keys() | theirs.keys()):
            if ours.get(key) != theirs.get(key):
                here, there = quoted(ours.get(key)), quoted(theirs.get(key))
                raise StoreError(
                    f"run folder '{self.path}' holds a run of another config ({key} is {there} "
                    f"there, {here} here): name another --out"
                )

    def refer(self, keys: Iterable[str]) -> None:
        """Say that this run needs the objects of ``keys`` too, before they are looked for."""
        new = set(keys) - self._keys
        if not new:
            return
        if self._keys:
            self.store.refer_more(self.path, new)
        else:
            self.store.refer(self.path, new)
        self._keys |= new

    def release(self, keys: Iterable[str]) -> None:
        """Say that this run needs the objects of ``keys`` no more; those that no run needs go."""
        keys = set(keys)
        if keys:
            self._keys -= keys
            self.store.refer(self.path, self._keys)
            self.store.discard(keys)

    def find(self, key: str) -> Optional[Entry]:
        """The store's object of ``key``; one that it lacks is taken in from this folder, if those
        of this folder are to be trusted.
        """
        entry = self.store.find(key)
        if entry is not None or not self.adopts:
            return entry
        for path in self._names.get(key, ()):
            linked = self._linked[path]
            # Another object may have taken the name since.
            if linked.key == key and self.store.adopt(linked, self.path / path):
                return linked
        return None

    def find_sound(self, key: str) -> Optional[Entry]:
        """What :meth:`find` gives; None, too, where its content is not as it was written."""
        entry = self.find(key)
        return entry if entry is not None and self.store.is_sound(entry) else None

    def link(self, entry: Entry, name: str) -> None:
        """Have the object of ``entry`` here too, as ``name`` (``models/target.safetensors``)."""
        before = self._linked.get(name)
        if before == entry and self._is_there(entry, self.path / name):
            return
        made_otherwise = (
            before is not None and before.key == entry.key and before.sha256 != entry.sha256
        )
        if made_otherwise and (self.path / name).is_file():
            self._replaced[name] = None
        try:
            link_or_copy(self.store.file(entry), self.path / name)
            append_line(self.path / "index.jsonl", f"{json.dumps(name)} {entry.encode().rstrip()}")
        except OSError as error:
            raise self._unwritable(error) from error
        self._linked[name] = entry
        self._names.setdefault(entry.key, []).append(name)

    def _is_there(self, entry: Entry, file: Path) -> bool:
        if not file.is_file():
            return False
        return file.samefile(self.store.file(entry)) or checksum_of(file) == entry.sha256

    def has_results(self) -> bool:
        """Whether a run was finished here."""
        return (self.path / "results.json").exists()

    def remove(self, name: str) -> None:
        """Remove ``name``, a file of the run itself, where it is there."""
        try:
            (self.path / name).unlink(missing_ok=True)
        except OSError as error:
            raise self._unwritable(error) from error

    def append(self, name: str, line: str) -> None:
        """Append ``line`` to ``name`` whole, or not at all, and see it on the disk."""
        try:
            append_line(self.path / name, line.rstrip("\n"), durable=True)
        except OSError as error:
            raise self._unwritable(error) from error

    def read_json(self, name: str) -> Any:
        """The content of ``name``, or None where it is absent or cannot be read."""
        return read_json(self.path / name)

    def write_arrays(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Write ``name``, an npz file of the run itself."""
        try:
            with written_atomically(self.path / name) as stream:
                write_npz(stream, arrays)
        except OSError as error:
            raise self._unwritable(error) from error

    def write_json(self, name: str, content: Any) -> None:
        """Write ``name``, with keys in the order given and numbers in full."""
        text = json.dumps(content, indent=2, allow_nan=False) + "\n"
        self.write(name, text.encode())

    def log(self, event: str, **facts: Any) -> None:
        """Append a line to ``log.jsonl``: when, what, and the facts."""
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        try:
            append_line(self.path / "log.jsonl", json.dumps({"time": now, "event": event, **facts}))
        except OSError as error:
            raise self._unwritable(error) from error

    def last_logged(self, event: str) -> dict[str, Any]:
        """The last line about ``event`` in ``log.jsonl``; empty where there is none."""
        try:
            lines = (self.path / "log.jsonl").read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return {}
        for line in reversed(lines):
            with suppress(ValueError, RecursionError):
                found = json.loads(line)
                if isinstance(found, dict) and found.get("event") == event:
                    return found
        return {}

    def write(self, name: str, content: bytes) -> None:
        """Write ``name``, a file of the run itself."""
        try:
            write_atomically(self.path / name, content)
        except OSError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: OSError) -> UnwritableError:
        return UnwritableError(
            f"run folder '{self.path}' cannot be written ({error.strerror}): make room or name "
            "another --out; what is stored is kept"
        )


def read_json(file: Path) -> Any:
    """What ``file`` holds, or None where it is absent or cannot be read."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None


def read_index(file: Path) -> dict[str, Entry]:
    """Name -> what was linked there last; lines that are not as they were written do not count."""
    linked: dict[str, Entry] = {}
    if not file.exists():
        return linked
    for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            name, end = json.JSONDecoder().raw_decode(line)
        except (ValueError, RecursionError):
            continue
        entry = Entry.decode(line[end + 1 :])
        if entry is not None and isinstance(name, str) and _is_linkable(name):
            linked[name] = entry
    return linked


def _is_linkable(name: str) -> bool:
    if name == SHADOW_RECORDS:
        return True
    folder, slash, file = name.partition("/")
    return bool(slash) and folder in FOLDERS and file not in ("", "..") and "/" not in file


def flat(settings: Any, prefix: str = "") -> dict[str, Any]:
    """Settings within settings as one level: ``target.epochs`` -> its value."""
    if not isinstance(settings, dict):
        return {prefix: settings}
    level: dict[str, Any] = {}
    for key, value in settings.items():
        level.update(flat(value, f"{prefix}.{key}" if prefix else str(key)))
    return level
