"""The machine that figures were measured on, as documents of ``mia-dual bench`` tell it."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import Any


def machine() -> dict[str, Any]:
    """Its processor, how many cores of it are ours, and the Python that measured."""
    from joblib import cpu_count

    return {
        "processor": _processor(),
        "cores": cpu_count(),
        "python": platform.python_version(),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        return next(line.partition(": ")[2] for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()
