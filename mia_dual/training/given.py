"""A model that its user trained already, taken into the store as if it had been trained here."""

from __future__ import annotations

import stat
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import numpy as np
import safetensors.numpy

from mia_dual.engine import Engine
from mia_dual.errors import BackendError, NetworkError
from mia_dual.execution import free_memory
from mia_dual.interface import Capability, NetworkSpec, Weights
from mia_dual.networks import check_weights
from mia_dual.quoting import one_line
from mia_dual.store.files import checksum
from mia_dual.store.folder import RunFolder
from mia_dual.store.keys import key_of
from mia_dual.training.family import Family
from mia_dual.training.jobs import built_weights
from mia_dual.training.trainer import Trained

COUNTER = "num_batches_tracked"
"""What PyTorch's normalisation counts for itself, and no answer depends on."""


def given_model(file: Path, engine: Engine, folder: RunFolder, family: Family) -> Trained:
    """The target whose weights are in ``file`` (safetensors), a network of ``family``.

    Its key holds the file's digest, the network, the records and the backend's environment, since
    answers depend on them. Raises NetworkError where the file cannot be read or its weights do not
    fit, BackendError where the backend's models are not made of weights.
    """
    content = _read(file)
    key = key_of(
        {
            "given": checksum(content),
            "environment": engine.environment,
            "spec": asdict(family.spec),
            "source": family.source,
            "records": family.digest,
        }
    )
    folder.refer([key])
    entry = folder.find(key)
    if entry is None or not folder.store.is_sound(entry):
        backend = engine.backend
        if Capability.WEIGHTS not in backend.capabilities:
            raise BackendError(
                f"target.weights: models of backend '{engine.name}' are not made of weights: leave "
                "it out, or choose another backend"
            )
        built = built_weights(family, backend, seed=0)
        weights = _fitting(_parse(file, content), built, family.spec)
        entry = folder.store.put(key, "model", "target", safetensors.numpy.save(weights))
        folder.log("given", model="target", sha256=checksum(content))
    return Trained(entry, steps=0)


def _read(file: Path) -> bytes:
    try:
        found = file.stat()
        if not stat.S_ISREG(found.st_mode):
            raise NetworkError(f"target.weights: '{file}' is no file: name a .safetensors file")
        if found.st_size > free_memory():
            raise NetworkError(
                f"target.weights: '{file}' holds {found.st_size / 1e9:.3g} GB, more than memory has"
            )
        return file.read_bytes()
    except OSError as error:
        raise NetworkError(
            f"target.weights: '{file}' cannot be read: {error.strerror}: name a .safetensors file"
        ) from error


def _parse(file: Path, content: bytes) -> dict[str, np.ndarray]:
    try:
        return safetensors.numpy.load(content)
    except Exception as error:  # the reader raises whatever the damage leads it to
        raise NetworkError(
            f"target.weights: '{file}' is no safetensors file of floats and integers that NumPy "
            f"knows ({one_line(str(error), 100)}): save it with safetensors"
        ) from error


def _fitting(
    weights: Mapping[str, np.ndarray], built: Weights, spec: NetworkSpec
) -> dict[str, np.ndarray]:
    """``weights`` in the types of ``built``; raises NetworkError naming the first that is amiss."""
    kept = {
        name: array
        for name, array in weights.items()
        if name in built or name.rpartition(".")[2] != COUNTER
    }
    check_weights(spec, {name: array.shape for name, array in built.items()}, kept)
    fitting = {}
    for name in sorted(kept):
        given, wanted = kept[name], built[name].dtype
        if given.dtype.kind != wanted.kind:
            raise NetworkError(
                f"weights do not fit network '{spec.name}': '{name}' is {given.dtype.name}, "
                f"expected {wanted.name}"
            )
        with np.errstate(over="ignore"):
            fitting[name] = np.ascontiguousarray(given, wanted)
        if wanted.kind == "f" and not np.isfinite(fitting[name]).all():
            raise NetworkError(
                f"weights of network '{spec.name}': '{name}' holds NaN or infinite values: train "
                "the model again"
            )
    return fitting
