"""Starting a device, on current and on older MindSpore."""

from __future__ import annotations

import mindspore as ms
import numpy as np
from mindspore import Tensor, ops

TARGETS = {"ascend": "Ascend", "cpu": "CPU"}


def start(device: str) -> None:
    """Have this process compute on ``device``; on a CPU with one thread."""
    if hasattr(ms, "set_device"):
        ms.set_device(TARGETS[device])
    else:
        ms.set_context(device_target=TARGETS[device])
    # Not ms.jit in PyNative mode: what it compiles keeps the weights it was compiled with
    # (MindSpore 2.10 on a CPU), so that a model would never learn.
    ms.set_context(mode=ms.GRAPH_MODE)
    if device == "cpu":
        ms.set_context(runtime_num_threads=1)
        _calm_queues()


def compute_once() -> None:
    """Have MindSpore make its threads now."""
    ops.BatchMatMul()(
        Tensor(np.ones((2, 2, 2), np.float32)), Tensor(np.ones((2, 2, 2), np.float32))
    )


def has_ascend() -> bool:
    """Whether a card answers."""
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
