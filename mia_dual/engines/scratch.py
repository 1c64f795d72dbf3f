"""A temporary folder that goes with its process, or with the next one where that was killed."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Optional

try:
    import fcntl
except ImportError:  # Windows: what a kill leaves stays there
    fcntl = None  # type: ignore[assignment]

PREFIX = "mia-ray-"
"""Short, since paths of sockets may have 107 letters and Ray's lie deep below."""


class Scratch:
    """A new folder at ``path``, after those were removed whose processes are gone."""

    def __init__(self) -> None:
        place = Path(tempfile.gettempdir())
        for left in place.glob(f"{PREFIX}*"):
            _remove_abandoned(left)
        made = Path(tempfile.mkdtemp(prefix=f".{PREFIX}"))
        self.path = made.with_name(made.name[1:])
        self._held: Optional[int] = None if fcntl is None else _lock(made)
        # Only now others look at it: nobody sees a folder that is not held yet.
        made.rename(self.path)

    def remove(self) -> None:
        """Remove the folder with all that is in it; once more does no harm."""
        shutil.rmtree(self.path, ignore_errors=True)
        if self._held is not None:
            os.close(self._held)
            self._held = None


def _lock(folder: Path) -> int:
    """A descriptor that holds ``folder`` for as long as it is open; raises OSError where another
    process has it. Processes that are started do not inherit it.
    """
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(held)
        raise
    return held


def _remove_abandoned(folder: Path) -> None:
    if fcntl is None:
        return
    # Held by its process, or another user's.
    with suppress(OSError):
        held = _lock(folder)
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)
