"""Removes a folder with the process that made it, killed even.

A process of its own, which waits for the end of its standard input: a pipe whose other end only the
process that made the folder holds. It is given up a minute later, since what is left of a cluster
may write there for a while.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

PREFIX = "mia-ray-"
"""Short, since paths of sockets may have 107 letters and Ray's lie deep below."""

PATIENCE = 60.0
"""Seconds for which what is left of a killed process may still write into its folder."""


class SweptFolder:
    """A new temporary folder ``path``, which goes with :meth:`remove` or with this process."""

    def __init__(self) -> None:
        self.path = tempfile.mkdtemp(prefix=PREFIX)
        self._sweeper = subprocess.Popen(
            # Alone: it starts at once, and imports nothing that could be found elsewhere.
            [sys.executable, "-I", "-S", __file__, self.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            # Ctrl-C in a terminal goes to all of a session.
            start_new_session=True,
        )

    def remove(self) -> None:
        """Remove it, and what is in it."""
        shutil.rmtree(self.path, ignore_errors=True)
        with suppress(OSError):
            self._sweeper.communicate(timeout=PATIENCE)


def sweep(folder: Path) -> None:
    """Wait for the end of standard input, then for that of all who write into ``folder``."""
    while os.read(0, 4096):
        pass
    until = time.monotonic() + PATIENCE
    while folder.exists() and time.monotonic() < until:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.5)


if __name__ == "__main__":
    sweep(Path(sys.argv[1]))
