"""Settings without which MindSpore's CPU kernels are tens of times slower, and device choice.

A variable that is set already is left alone, and nothing here changes what an Ascend does.
"""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from types import ModuleType

ASCEND_NODES = "davinci[0-9]*"
"""The device files of Ascend processors, in /dev."""


def set_cpu_variables() -> None:
    """Set what oneDNN reads before its first kernel.

    On AVX-512 machines it would choose a reference convolution for MindSpore's plain layouts.
    """
    if platform.machine().lower() in ("x86_64", "amd64"):
        os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX2")


def working_devices(mindspore: ModuleType) -> list[str]:
    """``ascend`` where MindSpore reaches one, then ``cpu``."""
    # Asked without need, MindSpore prints warnings about drivers that are not installed.
    if not any(Path("/dev").glob(ASCEND_NODES)):
        return ["cpu"]
    hal = getattr(mindspore, "hal", None)
    if hal is not None and not hal.is_available("Ascend"):
        return ["cpu"]
    return ["ascend", "cpu"]


def use_device(mindspore: ModuleType, device: str) -> None:
    """Send all later work to ``device``, operator by operator unless compiled explicitly."""
    target = {"ascend": "Ascend", "cpu": "CPU"}[device]
    mindspore.set_context(mode=mindspore.PYNATIVE_MODE)
    if hasattr(mindspore, "set_device"):
        mindspore.set_device(target)
    else:
        mindspore.set_context(device_target=target)
    if device == "cpu":
        _launch_at_once(mindspore)


def _launch_at_once(mindspore: ModuleType) -> None:
    # MindSpore's queue threads spin while they wait; on few cores they take the time that
    # oneDNN's own threads need.
    runtime = getattr(mindspore, "runtime", None)
    if hasattr(runtime, "launch_blocking"):
        runtime.launch_blocking()
    else:
        mindspore.set_context(pynative_synchronize=True)
