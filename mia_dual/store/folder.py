"""A run folder, open for one process at a time.

Layout: ``config.yaml``, ``environment.json``, ``splits.npz``, ``models/*.safetensors``,
``outputs/*.npz``, ``results.json``, ``cost.json``, ``index.jsonl`` and the append-only
``log.jsonl``. A model or output is named for people and found by its key: ``shadow-03`` trained
from other data is another file, so nothing stale is ever used again.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import safetensors.numpy
import yaml
from filelock import FileLock, Timeout

from mia_dual.config import Config
from mia_dual.errors import StoreError
from mia_dual.interface import TrainedModel, Weights
from mia_dual.store.files import checksum, write_atomically
from mia_dual.store.index import Entry, Index


class RunFolder:
    """The folder of one run of one config, as a context manager that holds its lock.

    Raises StoreError when the folder holds a run of another config or another process has it.
    """

    def __init__(self, path: Path, config: Config) -> None:
        self.path = path
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"run folder '{path}' cannot be made: {error.strerror}") from error
        self._lock = FileLock(str(path / ".lock"))
        self._config = config

    def __enter__(self) -> RunFolder:
        """Take the lock, then look whose run this is."""
        try:
            self._lock.acquire(timeout=0)
        except Timeout as error:
            raise StoreError(
                f"run folder '{self.path}' is in use by another run: wait, or name another --out"
            ) from error
        except OSError as error:
            raise StoreError(
                f"run folder '{self.path}' cannot be written: {error.strerror}"
            ) from error
        try:
            self._claim()
            self._index = Index(self.path / "index.jsonl")
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

    def _claim(self) -> None:
        file = self.path / "config.yaml"
        if not file.exists():
            strangers = [found.name for found in self.path.iterdir() if found.name != ".lock"]
            if strangers:
                raise StoreError(
                    f"'{self.path}' is no run folder and is not empty (it holds "
                    f"'{sorted(strangers)[0]}'): name another --out"
                )
            write_atomically(file, self._config.to_yaml().encode())
            return
        try:
            found = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (OSError, ValueError, yaml.YAMLError) as error:
            raise StoreError(f"'{file}' cannot be read: name another --out") from error
        if not (self.path / "index.jsonl").exists():
            # Nothing was made there yet (a setting was refused, say): nothing can be lost.
            write_atomically(file, self._config.to_yaml().encode())
            return
        here, there = _flat(yaml.safe_load(self._config.to_yaml())), _flat(found)
        for key in sorted(here.keys() | there.keys()):
            if here.get(key) != there.get(key):
                raise StoreError(
                    f"run folder '{self.path}' holds a run of another config ({key} is "
                    f"{there.get(key)!r} there, {here.get(key)!r} here): name another --out"
                )

    def find(self, key: str) -> Entry | None:
        """What is stored under ``key``, or None, also where its file was deleted since."""
        entry = self._index.get(key)
        return entry if entry and (self.path / entry.path).exists() else None

    def read_model(self, entry: Entry) -> Weights:
        """The weights of ``entry``; raises StoreError where the file is damaged."""
        return safetensors.numpy.load(self._read(entry))

    def write_model(self, key: str, model: TrainedModel, steps: int) -> Entry:
        """Store ``model``, trained in ``steps`` steps, under ``key``."""
        weights = {name: np.ascontiguousarray(model.weights[name]) for name in model.weights}
        content = safetensors.numpy.save(weights, metadata={"model": model.name, "key": key})
        path = f"models/{model.name}-{key[:12]}.safetensors"
        return self._write(key, path, content, model.seconds, steps)

    def read_output(self, key: str) -> dict[str, np.ndarray] | None:
        """The arrays stored under ``key``, or None; raises StoreError as read_model does."""
        entry = self.find(key)
        return None if entry is None else _from_npz(self._read(entry))

    def write_output(self, key: str, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Store ``arrays`` under ``key``; ``name`` is for people."""
        self._write(key, f"outputs/{name}-{key[:12]}.npz", _to_npz(arrays), 0.0, 0)

    def write_arrays(self, name: str, arrays: Mapping[str, np.ndarray]) -> None:
        """Write ``name``, an npz file of the run itself."""
        write_atomically(self.path / name, _to_npz(arrays))

    def write_json(self, name: str, content: Any) -> None:
        """Write ``name``, with keys in the order given and numbers in full."""
        text = json.dumps(content, indent=2, allow_nan=False) + "\n"
        write_atomically(self.path / name, text.encode())

    def log(self, event: str, **facts: Any) -> None:
        """Append a line to ``log.jsonl``: when, what, and the facts."""
        now = datetime.now(timezone.utc).isoformat(timespec="milliseconds")
        with (self.path / "log.jsonl").open("a", encoding="utf-8") as stream:
            stream.write(json.dumps({"time": now, "event": event, **facts}) + "\n")

    def _write(self, key: str, path: str, content: bytes, seconds: float, steps: int) -> Entry:
        write_atomically(self.path / path, content)
        entry = Entry(key, path, checksum(content), seconds, steps)
        self._index.add(entry)
        return entry

    def _read(self, entry: Entry) -> bytes:
        file = self.path / entry.path
        try:
            content = file.read_bytes()
        except OSError as error:
            raise StoreError(f"'{file}' cannot be read: {error.strerror}") from error
        if checksum(content) != entry.sha256:
            raise StoreError(
                f"'{file}' is damaged (its checksum changed): delete it and run again; "
                "the other files are kept"
            )
        return content


def _flat(settings: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(settings, dict):
        return {prefix: settings}
    flat: dict[str, Any] = {}
    for key, value in settings.items():
        flat.update(_flat(value, f"{prefix}.{key}" if prefix else str(key)))
    return flat


def _to_npz(arrays: Mapping[str, np.ndarray]) -> bytes:
    stream = io.BytesIO()
    np.savez_compressed(stream, **arrays)
    return stream.getvalue()


def _from_npz(content: bytes) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}
