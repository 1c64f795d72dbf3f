"""How a backend may use the machine; none of it changes what is computed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Optional

Together = Literal["auto", "always", "never"]

SHARE_OF_FREE_MEMORY = 0.5
"""What is taken of the memory that is free when nobody sets a limit."""


@dataclass(frozen=True)
class Execution:
    """Choices about time and memory.

    ``together``: train the jobs of a call with stacked parameters always, never, or where the
    backend measured it to be faster. ``memory``: bytes that models in training may take, those that
    wait half as much beside, and then references' signals; None is half of what is free.
    ``workers``: threads or processes that train side by side, or make signals of answers; None
    leaves it to the backend, which takes a core each where that pays or a card each, and takes a
    core each for signals.
    """

    together: Together = "auto"
    memory: Optional[int] = None
    workers: Optional[int] = None

    @property
    def room(self) -> int:
        """Bytes of main memory that ``memory`` allows now."""
        return self.memory or int(free_memory() * SHARE_OF_FREE_MEMORY)


DEFAULT = Execution()


def free_memory() -> int:
    """Bytes of main memory that are to be had now; 4 GiB where the system does not say."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        (available,) = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
        return int(available) * 1024
    except (OSError, ValueError):
        return 4 * 2**30


def peak_memory() -> Optional[int]:
    """Bytes of main memory that this process held at most so far; None where the system does not
    say. Pages of mapped files count while they are looked at.
    """
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
        (most,) = (line.split()[1] for line in lines if line.startswith("VmHWM:"))
        return int(most) * 1024
    except (OSError, ValueError):
        return None


def models_that_fit(limit: int, bytes_a_model: int) -> int:
    """How many models may be in training at once within ``limit`` bytes: one at least."""
    return max(1, limit // max(bytes_a_model, 1))
