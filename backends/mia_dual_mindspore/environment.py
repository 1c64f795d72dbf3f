"""What must be set before MindSpore is imported, and just after a device is chosen.

Measured on a 2-core CPU with MindSpore 2.10 (see benchmarks/README.md): without these a training
step takes 20 to 100 times as long as PyTorch's. Nothing a user set is changed, and a machine
with an Ascend card is left alone.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from pathlib import Path

ASCEND_DRIVER = Path("/dev/davinci_manager")

CPU_SETTINGS = {
    # With AVX-512 oneDNN 3.10 takes a reference convolution for plain layouts: 10 times slower.
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    # Advice on deprecated settings and thread counts, not problems of a run.
    "GLOG_v": "3",
}


def worker_settings(convolutions: bool) -> dict[str, str]:
    """What a process needs that computes on one core, with convolutions or with products only."""
    settings = {"OMP_NUM_THREADS": "1"}
    if not convolutions and "ONEDNN_MAX_CPU_ISA" not in _set_by_user:
        # Products gain a fifth from AVX-512.
        settings["ONEDNN_MAX_CPU_ISA"] = "ALL"
    return settings


_set_by_user: list[str] = []
"""Those of CPU_SETTINGS that were set before we came."""


def prepare(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set what a CPU needs, where nobody set it and there is no Ascend card."""
    if ASCEND_DRIVER.exists():
        return
    for name, value in CPU_SETTINGS.items():
        if name in environment:
            _set_by_user.append(name)
        environment.setdefault(name, value)
