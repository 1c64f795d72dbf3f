"""Whether a backend works on this machine: found by having it compute, not by asking."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mia_dual.errors import MiaDualError
from mia_dual.interface import NetworkSpec, Optimizer, Records, State, TrainingJob
from mia_dual.registry import load_backend_class
from mia_dual.seeds import generator
from mia_dual.training.weights import draw_weights


@dataclass(frozen=True)
class Finding:
    """One backend on one device; ``remedy`` says what is wrong and what would mend it."""

    device: str
    version: str
    works: bool
    remedy: str = ""


def examine(name: str) -> list[Finding]:
    """Try backend ``name`` on each device it says it has."""
    try:
        devices = load_backend_class(name).devices()
    except MiaDualError as error:
        return [Finding("-", "-", False, str(error))]
    return [_try(name, device) for device in devices]


def _try(name: str, device: str) -> Finding:
    version = "-"
    try:
        backend = load_backend_class(name)(device)
        version = backend.environment()["version"]
        network = "convnet" if "convnet" in backend.networks else backend.networks[0]
        spec = NetworkSpec(network, (1, 16, 16), classes=2)
        start = State(draw_weights(backend.fresh(spec, seed=0), generator(0, "doctor")))
        images = generator(0, "doctor", "images").integers(0, 256, (4, 1, 16, 16), np.uint8)
        records = Records(images, np.arange(4, dtype=np.int64) % 2, scale=1 / 255)
        job = TrainingJob("doctor", start, np.arange(4)[None, :], np.full(1, 0.01))
        (last,) = backend.train(spec, Optimizer("sgd"), [job], records, lambda steps: None)
        logits = backend.logits(spec, [last.state.weights], records, np.arange(4)[None, :])
        finite = np.isfinite(logits).all()
    except Exception as error:  # whatever a framework throws here is the finding
        return Finding(device, version, False, " ".join(str(error).split())[:200])
    return Finding(device, version, bool(finite), "" if finite else "it computes NaN")
