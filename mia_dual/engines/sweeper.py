"""Removes a folder with the process that made it, killed even.

A process of its own, which waits for the end of its standard input: a pipe whose other end only the
process that made the folder holds. What is left of a killed cluster then has some seconds to notice
that; whatever has files in the folder open after that is ended too.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

PREFIX = "mia-ray-"
"""Short, since paths of sockets may have 107 letters and Ray's lie deep below."""

GRACE, PATIENCE = 10.0, 60.0
"""Seconds that what is left of a cluster has to end by itself, and until the folder is given up."""

PROC = Path("/proc")


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
        # Else it would take this process, which may have logs open there, for what is left.
        self._sweeper.kill()
        self._sweeper.communicate()


def sweep(folder: Path) -> None:
    """Wait for the end of standard input, then for that of all who write into ``folder``."""
    while os.read(0, 4096):
        pass
    began = time.monotonic()
    while folder.exists() or _users(folder):
        passed = time.monotonic() - began
        if passed > PATIENCE:
            break
        if passed > GRACE:
            for process in _users(folder):
                with suppress(OSError):
                    os.kill(process, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.5)


def _users(folder: Path) -> set[int]:
    """Processes that have files below ``folder`` open, removed ones too, as Linux tells."""
    found = set()
    # Of others' processes nothing is told, and some end meanwhile.
    for descriptors in PROC.glob("[0-9]*/fd"):
        with suppress(OSError):
            for descriptor in os.listdir(descriptors):
                with suppress(OSError):
                    if os.readlink(descriptors / descriptor).startswith(f"{folder}/"):
                        found.add(int(descriptors.parent.name))
    return found


if __name__ == "__main__":
    sweep(Path(sys.argv[1]))
