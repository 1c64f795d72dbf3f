"""Gives each process that computes a core of its own."""

from __future__ import annotations

import os
from collections.abc import Sequence


def own_cores() -> list[int]:
    """The cores this process may use; none where the system does not say."""
    if not hasattr(os, "sched_getaffinity"):
        return []
    return sorted(os.sched_getaffinity(0))


def stay_on(cores: Sequence[int]) -> None:
    """Keep this process, and all threads it will have, on ``cores``, where there are any.

    MindSpore hands each graph to a thread of its own and spins until it is done. Two processes on
    two cores then have four threads that run, and each took twice as long as on a core alone
    (benchmarks/README.md).
    """
    if not cores:
        return
    os.sched_setaffinity(0, cores)
