"""Notes that the ranks of a job leave each other in a folder that all of them see.

Each rank writes one small file again and again, so that its changing shows that the rank lives.
A file that an earlier job left never changes, and never names this job's ranks by the random
marks that they draw: nothing here compares clocks.
"""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Optional

from mia_dual.errors import MiaDualError, RankError
from mia_dual.quoting import quoted
from mia_dual.store.files import write_atomically

LONGEST_BEAT = 5.0
"""Seconds between two signs of life at most."""

PAUSE = 0.1
"""Seconds between two looks at what the others wrote."""

Note = Mapping[str, Any]


@dataclass(frozen=True)
class Rank:
    """Which of how many processes of a job this is."""

    number: int
    size: int

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Rank:
        """As RANK_ID and RANK_SIZE say, the only one where they say nothing.

        Raises RankError where they make no sense.
        """
        texts = environment.get("RANK_ID") or "0", environment.get("RANK_SIZE") or "1"
        try:
            number, size = map(int, texts)
        except ValueError:
            number, size = -1, 0
        if not 0 <= number < size:
            raise RankError(
                f"RANK_ID={quoted(texts[0])} and RANK_SIZE={quoted(texts[1])} make no sense: ranks "
                "count from 0 to one less than their number"
            )
        return cls(number, size)

    def __str__(self) -> str:
        return f"rank {self.number} of {self.size}"


class Board:
    """The notes in ``folder``, as one rank sees and writes them, as a context manager.

    ``limit``: seconds without a sign of life after which another rank counts as silent. Raises
    RankError where the folder cannot be written.
    """

    def __init__(self, folder: Path, rank: Rank, limit: float) -> None:
        self.folder, self.rank, self.limit = folder, rank, limit
        self.mark = secrets.token_hex(8)
        self._said: dict[str, Any] = {}
        self._seen: dict[int, tuple[bytes, float, bool]] = {}
        self._beats = 0
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._heart = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Board:
        """Say that this rank is here, and go on saying so."""
        self.say()
        self._heart.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Say nothing more, but for an error that ends this rank; what was said last stays."""
        self._over.set()
        self._heart.join()
        if error is not None:
            reason = str(error) if isinstance(error, MiaDualError) else type(error).__name__
            with suppress(RankError):
                self.say(ended=f"stopped ({reason})")

    def say(self, **facts: Any) -> None:
        """Add ``facts``, which JSON can hold, to this rank's note."""
        with self._lock:
            self._said.update(facts)
            self._write()

    def read(self, number: int) -> Optional[Note]:
        """What rank ``number`` says; None where it says nothing."""
        try:
            content = self._file(number).read_bytes()
            note = json.loads(content)
        except (OSError, ValueError):
            content, note = b"", None
        before = self._seen.get(number)
        if before is None or before[0] != content:
            self._seen[number] = content, time.monotonic(), before is not None
        return note if isinstance(note, dict) and isinstance(note.get("mark"), str) else None

    def lives(self, number: int) -> bool:
        """Whether rank ``number`` was seen to write."""
        return self._seen.get(number, (b"", 0.0, False))[2]

    def is_silent(self, number: int) -> bool:
        """Whether rank ``number``, which was just read, has written nothing for too long."""
        return time.monotonic() - self._seen[number][1] > self.limit

    def pause(self) -> None:
        """Wait before looking again."""
        time.sleep(min(PAUSE, self.limit / 10))

    def _beat(self) -> None:
        while not self._over.wait(min(self.limit / 10, LONGEST_BEAT)):
            # A disk that is full for a while must not stop the training.
            try:
                self.say()
            except RankError:
                continue

    def _write(self) -> None:
        self._beats += 1
        note = {**self._said, "mark": self.mark, "beat": self._beats, "process": os.getpid()}
        try:
            write_atomically(self._file(self.rank.number), json.dumps(note).encode())
        except OSError as error:
            raise RankError(
                f"'{self.folder}', where ranks meet, cannot be written ({error.strerror})"
            ) from error

    def _file(self, number: int) -> Path:
        return self.folder / f"rank-{number}.json"
