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


def prepare(environment: MutableMapping[str, str] = os.environ) -> None:
    """Set what a CPU needs, where nobody set it and there is no Ascend card."""
    if ASCEND_DRIVER.exists():
        return
    for name, value in CPU_SETTINGS.items():
        environment.setdefault(name, value)
