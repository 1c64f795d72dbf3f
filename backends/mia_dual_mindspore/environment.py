"""What this machine offers MindSpore, told without importing it, and what its processes are given.

Measured on a 2-core CPU with MindSpore 2.10 (see benchmarks/README.md): without these settings a
training step takes 20 to 100 times as long as PyTorch's. Nothing a user set is changed, and a
machine with an Ascend card is left alone.
"""

from __future__ import annotations

import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Optional

import numpy as np

from mia_dual.errors import BackendError

ASCEND_DRIVER = Path("/dev/davinci_manager")

INSTRUCTIONS = "ONEDNN_MAX_CPU_ISA"

CPU_SETTINGS = {
    # With AVX-512 oneDNN 3.10 takes a reference convolution for plain layouts, 10 times slower,
    # and sums products in an order that depends on how many models are in a stack.
    INSTRUCTIONS: "AVX2",
    # Advice on deprecated settings and thread counts, not problems of a run.
    "GLOG_v": "3",
}


def mindspore_version() -> str:
    """The installed version; raises ImportError where there is none."""
    try:
        return version("mindspore")
    except PackageNotFoundError as error:
        raise ImportError("MindSpore is not installed") from error


def settings(scratch: Path, card: Optional[int]) -> dict[str, str]:
    """The environment of a process that computes on ``card``, as a platform starts one a card, or,
    where that is None, on a core of a CPU.

    What MindSpore writes about a graph that it cannot compile goes to ``scratch``, not to where
    the user works.
    """
    ours = {"MS_OM_PATH": str(scratch)}
    if card is None:
        return {**CPU_SETTINGS, **ours, **os.environ, "OMP_NUM_THREADS": "1"}
    return {**ours, **os.environ, "DEVICE_ID": str(card)}


def instructions() -> str:
    """The instruction set that products use on a CPU: another one rounds otherwise."""
    return os.environ.get(INSTRUCTIONS, CPU_SETTINGS[INSTRUCTIONS])


def devices() -> list[str]:
    """``ascend`` where a card answers, then ``cpu``."""
    if ASCEND_DRIVER.exists():
        from mia_dual_mindspore.card import has_card

        if has_card():
            return ["ascend", "cpu"]
    return ["cpu"]


def choose(device: str) -> str:
    """The device that ``device`` means; raises BackendError where it is not to be had."""
    if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
        raise BackendError(f"MindSpore fails with NumPy {np.__version__}: pip install 'numpy<2'")
    available = devices()
    chosen = available[0] if device == "auto" else device
    if chosen not in available:
        hint = ""
        if device.startswith("cuda"):
            hint = "; MindSpore has no CUDA build any more: use --backend torch"
        raise BackendError(
            f"device '{device}' is not to be had by backend 'mindspore' here: "
            f"choose one of auto, {', '.join(available)}{hint}"
        )
    return chosen
