"""Content addresses: a key over everything that an object depends on.

A model's key is a chain: what it starts from, then a link an epoch. So trainings that begin alike
share the keys of their beginnings, and the longer one goes on where the shorter one ended.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

CODE_SCHEMA = 5
"""Raised when the same inputs would give other objects than the code before."""


def array_digest(array: np.ndarray) -> str:
    """SHA-256 over an array's type, shape and content, the same on every platform."""
    content = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    digest = hashlib.sha256(f"{content.dtype.str}{content.shape}".encode())
    digest.update(content.data)
    return digest.hexdigest()


def start_key(parts: Mapping[str, Any]) -> str:
    """The key of a model before its first step; ``parts`` say what it is and will be trained on."""
    return key_of({"schema": CODE_SCHEMA, "start": dict(parts)})


def next_key(before: str, epoch: Mapping[str, Any]) -> str:
    """The key of the model of key ``before`` after one more epoch; ``epoch`` says which."""
    return key_of({"before": before, "epoch": dict(epoch)})


def moments_key(model: str) -> str:
    """The key of the optimizer's moments at the model of key ``model``."""
    return key_of({"moments of": model})


def answers_key(model: str, asked: str) -> str:
    """The key of what the model of key ``model`` says of the rows of digest ``asked``.

    The records are those it was trained on, which its own key holds.
    """
    return key_of({"schema": CODE_SCHEMA, "model": model, "asked": asked})


def altered_answers_key(model: str, records: str, alteration: Mapping[str, Any], asked: str) -> str:
    """The key of what the model of key ``model`` says of altered copies of records.

    ``records``: the digest of those they are made of. ``alteration``: what it describes itself as.
    ``asked``: the digest of the rows.
    """
    return key_of(
        {
            "schema": CODE_SCHEMA,
            "model": model,
            "records": records,
            "alteration": dict(alteration),
            "asked": asked,
        }
    )


def scores_key(attack: Mapping[str, Any], references: Sequence[str], version: Any) -> str:
    """The key of an attack's scores of a version.

    ``attack``: its name and settings, with all it takes from elsewhere. ``references``: keys of
    the answers it was fitted on. ``version``: keys of the answers it scores, and how they are
    joined.
    """
    return key_of(
        {
            "schema": CODE_SCHEMA,
            "attack": dict(attack),
            "references": list(references),
            "version": version,
        }
    )


def key_of(parts: Mapping[str, Any]) -> str:
    """SHA-256 over ``parts`` as canonical JSON."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
