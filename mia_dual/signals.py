"""What an attack looks at: functions of logits, in NumPy, for every backend alike."""

from __future__ import annotations

import numpy as np

from mia_dual.errors import DataError


def confidences(logits: np.ndarray) -> np.ndarray:
    """Softmax of ``logits`` (..., classes), float32: each record's vector sums to 1.

    Worked out in float64. A logit of infinity is taken as its limit: such classes share all
    confidence evenly, and one of minus infinity has none. Raises DataError where a logit is NaN or
    all of a record are minus infinity, since no vector says what that means.
    """
    exact = logits.astype(np.float64)
    largest = exact.max(axis=-1, keepdims=True)
    if np.isnan(largest).any() or np.isneginf(largest).any():
        raise DataError(
            "a model's logits are no numbers (NaN, or minus infinity for every class): it has "
            "diverged, or the outputs given are damaged"
        )
    unbounded = np.isposinf(largest)
    if unbounded.any():
        exact = np.where(unbounded, np.where(np.isposinf(exact), 0.0, -np.inf), exact)
        largest = np.where(unbounded, 0.0, largest)
    exact -= largest
    np.exp(exact, out=exact)
    exact /= exact.sum(axis=-1, keepdims=True)
    return exact.astype(np.float32)


def accuracy(confidence: np.ndarray, labels: np.ndarray) -> float:
    """Share of records whose largest confidence (records, classes) is at their label."""
    return float((confidence.argmax(axis=-1) == labels).mean())
