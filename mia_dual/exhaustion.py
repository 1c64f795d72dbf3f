"""Memory that ran out, known by what the system, NumPy and the frameworks say of it."""

from __future__ import annotations

from typing import Optional

from mia_dual.errors import BackendError

TOLD_AS = (
    "allocate memory",  # the system (ENOMEM), PyTorch on a CPU, MindSpore
    "malloc memory failed",  # MindSpore's pool on a CPU
    "out of memory",  # CUDA and NPU
    "not enough memory",  # PyTorch on Windows
    "failed to map segment",  # the loader of shared libraries
    "start new thread",  # no room for a thread's stack
    "resource temporarily unavailable",  # the same, as C++ says it
    "bad_alloc",  # C++
)
"""What errors say that mean it, in lower case."""


def out_of_memory(error: BaseException) -> Optional[BackendError]:
    """What to raise in place of ``error`` where that means that memory ran out; else None."""
    said = str(error).lower()
    if not isinstance(error, MemoryError) and not any(words in said for words in TOLD_AS):
        return None
    reason = (str(error).strip() or "no more is to be had").splitlines()[0]
    return BackendError(
        f"memory ran out ({reason}): take fewer --workers, models or records, or a lower --memory; "
        "what is stored is kept"
    )
