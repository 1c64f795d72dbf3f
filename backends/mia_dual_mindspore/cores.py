"""Gives each training process a core of its own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from filelock import FileLock


def own_cores() -> list[int]:
    """The cores this process may use; none where the system does not say."""
    if not hasattr(os, "sched_getaffinity"):
        return []
    return sorted(os.sched_getaffinity(0))


def stay_on_one(cores: Sequence[int], folder: Path) -> None:
    """Keep this process, with all its threads, on one of ``cores`` that no other process took.

    MindSpore hands each graph to a thread of its own and spins until it is done. Two processes on
    two cores then have four threads that run, and each took twice as long as on a core alone
    (benchmarks/README.md). ``folder`` is where the processes of a call agree on who takes which.
    """
    if not cores:
        return
    register = folder / "cores"
    with FileLock(str(folder / "cores.lock")):
        taken = register.read_text().split() if register.exists() else []
        if str(os.getpid()) not in taken:
            taken.append(str(os.getpid()))
            register.write_text(" ".join(taken))
    core = cores[taken.index(str(os.getpid())) % len(cores)]
    for thread in os.listdir("/proc/self/task"):
        os.sched_setaffinity(int(thread), {core})
