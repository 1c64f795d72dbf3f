"""A process that ends with the one that started it, however that ends."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from typing import Any

VARIABLE = "MIA_DUAL_PARENT"
"""Names the descriptor of the pipe that a child watches."""


_HELD: list[int] = []
"""Ends of pipes that nobody closes but the end of this process."""


def start_bound(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
    """Start ``command``, a ``mia-dual`` of its own, which is interrupted when this process ends.

    It holds one end of a pipe whose other end this process holds and never writes to: a kill closes
    that, too.
    """
    theirs, ours = os.pipe()
    environment = {**os.environ, VARIABLE: str(theirs)}
    process = subprocess.Popen(command, env=environment, pass_fds=(theirs,), **options)
    os.close(theirs)
    _HELD.append(ours)
    return process


def watch_parent() -> None:
    """Interrupt this process, as Ctrl-C does, when the one that started it so has ended."""
    descriptor = os.environ.pop(VARIABLE, None)
    if descriptor is not None and descriptor.isdecimal():
        threading.Thread(target=_watch, args=(int(descriptor),), daemon=True).start()


def _watch(descriptor: int) -> None:
    try:
        os.read(descriptor, 1)
    except OSError:
        return
    os.kill(os.getpid(), signal.SIGINT)
