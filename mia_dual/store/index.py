"""What the store holds: one JSON line a file, appended once the file is there whole."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from mia_dual.errors import StoreError


@dataclass(frozen=True)
class Entry:
    """A stored file: its key, path in the run folder, SHA-256, and what making it cost."""

    key: str
    path: str
    sha256: str
    seconds: float = 0.0
    steps: int = 0


class Index:
    """The entries of ``path``, the last of a key counting; a line cut off by a kill does not."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: dict[str, Entry] = {}
        if path.exists():
            self._read()

    def get(self, key: str) -> Entry | None:
        """The entry of ``key``, or None."""
        return self._entries.get(key)

    def add(self, entry: Entry) -> None:
        """Append ``entry``."""
        with self._path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(asdict(entry), sort_keys=True) + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        self._entries[entry.key] = entry

    def _read(self) -> None:
        content = self._path.read_bytes()
        complete = content[: content.rfind(b"\n") + 1]
        for number, line in enumerate(complete.splitlines(), start=1):
            try:
                entry = Entry(**json.loads(line))
            except (ValueError, TypeError) as error:
                raise StoreError(
                    f"'{self._path}' is damaged at line {number}: delete that line, and the run "
                    "makes again what it told of"
                ) from error
            self._entries[entry.key] = entry
        if complete != content:
            # The next line must not be glued to the remains of this one.
            os.truncate(self._path, len(complete))
