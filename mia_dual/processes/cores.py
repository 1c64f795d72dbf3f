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

    A framework makes as many threads as it sees cores, and some spin while others compute.
    """
    if not cores:
        return
    os.sched_setaffinity(0, cores)
