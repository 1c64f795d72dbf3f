"""Fitted models as bytes and back: skops, which builds what is trusted by name and runs nothing.

A model's bytes depend on the model alone: skops numbers objects by their place in memory, and
leaves in arrays of records what lay between their fields; both are mended here.
"""

from __future__ import annotations

import io
import json
import zipfile
from functools import lru_cache
from typing import Any

import numpy as np

from mia_dual.errors import NetworkError
from mia_dual.interface import NetworkSpec, Weights
from mia_dual_sklearn.fitting import Fitted
from mia_dual_sklearn.skops_io import dumps, loads
from mia_dual_sklearn.soundness import complaint

ESTIMATOR = "estimator"
"""The one name a model has among weights: (bytes,) uint8."""

TRUSTED = (
    "sklearn.tree._tree.Tree",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
)
"""Types built beside those that skops trusts (scikit-learn's estimators, arrays, plain values).

Both are trees that scikit-learn walks without looking where a node's numbers lead, so those are
looked at when a model is read (:mod:`mia_dual_sklearn.soundness`).
"""

SCHEMA = "schema.json"
GAP = b"('', '|V"
KEPT_MODELS = 16
"""Models read last, kept for questions that come one after the other."""


def pack(model: Fitted) -> dict[str, np.ndarray]:
    """``model`` as weights: canonical name -> array."""
    content = _canonical(dumps(vars(model)))
    return {ESTIMATOR: np.frombuffer(content, np.uint8)}


def unpack(spec: NetworkSpec, weights: Weights) -> Fitted:
    """The model that ``weights`` hold; raises NetworkError where it is none of ``spec``."""
    if weights.keys() != {ESTIMATOR}:
        raise NetworkError(
            f"weights do not fit '{spec.name}': they hold {', '.join(sorted(weights)) or 'nothing'}"
            f", expected '{ESTIMATOR}' alone"
        )
    return _read(spec, weights[ESTIMATOR].tobytes())


@lru_cache(maxsize=KEPT_MODELS)
def _read(spec: NetworkSpec, content: bytes) -> Fitted:
    try:
        model = Fitted(**loads(content, trusted=list(TRUSTED)))
        wrong = complaint(spec, model)
    except Exception as error:  # whatever a changed file makes of a reader
        wrong = " ".join(str(error).split())[:200] or type(error).__name__
    if wrong:
        raise NetworkError(
            f"a stored '{spec.name}' is not used, since its file is damaged: {wrong}"
        )
    return model


def _canonical(content: bytes) -> bytes:
    packed = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as given,
        zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as written,
    ):
        files: dict[str, str] = {}
        schema = _numbered(json.loads(given.read(SCHEMA)), files)
        for name, number in files.items():
            _write(written, number, _without_gaps(given.read(name)))
        _write(written, SCHEMA, json.dumps(schema, separators=(",", ":")).encode())
    return packed.getvalue()


def _numbered(part: Any, files: dict[str, str]) -> Any:
    """``part`` of a schema with its files named in the order they come, and no object numbered."""
    if isinstance(part, list):
        return [_numbered(value, files) for value in part]
    if not isinstance(part, dict):
        return part
    found = {key: _numbered(value, files) for key, value in part.items() if key != "__id__"}
    if found.get("type") == "numpy" and "file" in found:
        found["file"] = files.setdefault(found["file"], f"{len(files)}.npy")
    return found


def _without_gaps(content: bytes) -> bytes:
    """An .npy file with zeros between fields: what NumPy writes down as fields without a name."""
    if GAP not in content[: content.index(b"\n")]:
        return content
    array = np.load(io.BytesIO(content), allow_pickle=False)
    clean = np.zeros(array.shape, array.dtype)
    for name in array.dtype.names:
        clean[name] = array[name]
    stream = io.BytesIO()
    np.save(stream, clean, allow_pickle=False)
    return stream.getvalue()


def _write(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    # A fixed date: an archive's members hold the time they were written.
    member = zipfile.ZipInfo(name)
    archive.writestr(member, content, zipfile.ZIP_DEFLATED)
