"""Content addresses: a key over everything that a model or an output depends on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from mia_dual.interface import NetworkSpec, Optimizer, Records, TrainingJob, Weights

CODE_SCHEMA = 2
"""Raised when the same inputs would give other models or outputs than the code before."""


def array_digest(array: np.ndarray) -> str:
    """SHA-256 over an array's type, shape and content, the same on every platform."""
    content = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    digest = hashlib.sha256(f"{content.dtype.str}{content.shape}".encode())
    digest.update(content.data)
    return digest.hexdigest()


def weights_digest(weights: Weights) -> str:
    """SHA-256 over names and arrays."""
    return key_of({name: array_digest(weights[name]) for name in weights})


def records_digest(records: Records) -> str:
    """SHA-256 over everything in ``records``."""
    return key_of(
        {
            "features": array_digest(records.features),
            "labels": array_digest(records.labels),
            "scale": records.scale,
            "shift": records.shift,
        }
    )


def model_key(
    environment: Mapping[str, str],
    spec: NetworkSpec,
    optimizer: Optimizer,
    job: TrainingJob,
    records: str,
) -> str:
    """The key of the model that ``job`` gives; ``records`` is the digest of its records."""
    return key_of(
        {
            "schema": CODE_SCHEMA,
            "environment": dict(environment),
            "spec": asdict(spec),
            "optimizer": asdict(optimizer),
            "weights": weights_digest(job.weights),
            "batches": array_digest(job.batches),
            "learning_rates": array_digest(job.learning_rates),
            "records": records,
        }
    )


def output_key(environment: Mapping[str, str], model: str, records: str) -> str:
    """The key of what the model of key ``model`` says of records of digest ``records``."""
    return key_of(
        {
            "schema": CODE_SCHEMA,
            "environment": dict(environment),
            "model": model,
            "records": records,
        }
    )


def key_of(parts: Mapping[str, Any]) -> str:
    """SHA-256 over ``parts`` as canonical JSON."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
