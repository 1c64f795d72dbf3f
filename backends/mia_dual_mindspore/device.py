"""Choosing the device, on current and on older MindSpore."""

from __future__ import annotations

from typing import Optional

import mindspore as ms
import numpy as np

from mia_dual.errors import BackendError

TARGETS = {"ascend": "Ascend", "cpu": "CPU"}


def devices() -> list[str]:
    """``ascend`` where a card answers, then ``cpu``."""
    return ["ascend", "cpu"] if _has_ascend() else ["cpu"]


def choose(device: str, threads: Optional[int] = None) -> str:
    """Start MindSpore on ``device`` and return its name; raises BackendError where it cannot.

    ``threads``: how many it may compute with on a CPU; None leaves that to it.
    """
    if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
        raise BackendError(f"MindSpore fails with NumPy {np.__version__}: pip install 'numpy<2'")
    available = devices()
    chosen = available[0] if device == "auto" else device
    if chosen not in available:
        hint = "; MindSpore has no CUDA build any more: use --backend torch" * (device == "cuda")
        raise BackendError(
            f"device '{device}' is not to be had by backend 'mindspore' here: "
            f"choose one of auto, {', '.join(available)}{hint}"
        )
    if hasattr(ms, "set_device"):
        ms.set_device(TARGETS[chosen])
    else:
        ms.set_context(device_target=TARGETS[chosen])
    # Not ms.jit in PyNative mode: what it compiles keeps the weights it was compiled with
    # (MindSpore 2.10 on a CPU), so that a model would never learn.
    ms.set_context(mode=ms.GRAPH_MODE)
    if chosen == "cpu":
        if threads is not None:
            ms.set_context(runtime_num_threads=threads)
        _calm_queues()
    return chosen


def _has_ascend() -> bool:
    try:
        return bool(ms.hal.is_available("Ascend"))
    except (AttributeError, RuntimeError, ValueError):
        return str(ms.get_context("device_target")) == "Ascend"


def _calm_queues() -> None:
    # Queue threads spin for work; on few cores they then wait for each other's time slices.
    runtime = getattr(ms, "runtime", None)
    if runtime is None:
        ms.set_context(pynative_synchronize=True)
        return
    runtime.launch_blocking()
    if not _started:
        runtime.dispatch_threads_num(1)
        _started.append(True)


_started: list[bool] = []
"""Filled once the thread count was set: MindSpore takes it a single time in a process."""
