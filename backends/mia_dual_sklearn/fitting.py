"""Fits models and asks them: arrays in, log probabilities out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np
from sklearn.dummy import DummyClassifier

from mia_dual.errors import NetworkError
from mia_dual.interface import NO_RECORD, NetworkSpec, Records, TrainingJob
from mia_dual_sklearn import clusters, margins
from mia_dual_sklearn.kinds import kind_of, new_estimator

FLOOR = 2.0**-23
"""The least probability a class is given, before all of a record sum to 1 again: what float32 can
tell from 1. So 0 and 1 have finite logarithms, -15.9 and about 0.
"""


@dataclass(frozen=True)
class Fitted:
    """A fitted estimator, and what turns its answers into probabilities where it gives none:
    an SVM's sharpness (1,), K-means' class shares (clusters, classes); None elsewhere.
    """

    estimator: Any
    extra: Optional[np.ndarray] = None


def fit(spec: NetworkSpec, job: TrainingJob, records: Records) -> Fitted:
    """The model of ``job``: fitted once, on the records of its whole training.

    Raises NetworkError naming the job where scikit-learn cannot fit it.
    """
    rows = job.rows
    if rows is None:
        rows = np.unique(job.batches[job.batches != NO_RECORD])
    inputs, labels = _inputs(spec, records, rows), records.labels[rows]
    estimator = new_estimator(spec, job.name, len(rows), job.stream)
    if spec.name != "k_means" and (labels == labels[0]).all():
        # Some kinds learn from one class, and the others must not fail where those do not.
        estimator = DummyClassifier(strategy="prior")
    try:
        estimator.fit(inputs, labels)
    except (ValueError, FloatingPointError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise NetworkError(f"'{spec.name}' cannot be fitted as '{job.name}': {reason}") from error
    for name in kind_of(spec).unneeded:
        vars(estimator).pop(name, None)
    if spec.name == "k_means":
        return Fitted(estimator, clusters.class_shares(estimator, labels, spec.classes))
    if spec.name == "svm" and not isinstance(estimator, DummyClassifier):
        return Fitted(estimator, margins.sharpness(estimator, inputs, labels))
    return Fitted(estimator)


def log_probabilities(
    spec: NetworkSpec, model: Fitted, records: Records, rows: np.ndarray
) -> np.ndarray:
    """What ``model`` says of ``rows``: (rows, classes) float32, finite (see :data:`FLOOR`).

    A class that it never saw has the floor's probability.
    """
    inputs = _inputs(spec, records, rows)
    estimator, extra = model.estimator, model.extra
    found = np.zeros((len(rows), spec.classes))
    if spec.name == "k_means":
        assert extra is not None
        found[:] = clusters.probabilities(estimator, extra, inputs)
    elif extra is not None:
        found[:, estimator.classes_] = margins.probabilities(estimator, extra, inputs)
    else:
        found[:, estimator.classes_] = estimator.predict_proba(inputs)
    np.maximum(found, FLOOR, out=found)
    found /= found.sum(axis=1, keepdims=True)
    logarithms: np.ndarray = np.log(found).astype(np.float32)
    return logarithms


def _inputs(spec: NetworkSpec, records: Records, rows: np.ndarray) -> np.ndarray:
    flat = records.inputs(rows).reshape(len(rows), math.prod(spec.input_shape))
    return flat.astype(np.float64) if kind_of(spec).exact else flat
