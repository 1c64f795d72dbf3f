"""What an attack looks at: functions of logits, in NumPy, for every backend alike."""

from __future__ import annotations

import numpy as np
from scipy.special import softmax


def confidences(logits: np.ndarray) -> np.ndarray:
    """Softmax of ``logits`` (..., classes), float32: each record's vector sums to 1."""
    vectors: np.ndarray = softmax(logits.astype(np.float64), axis=-1).astype(np.float32)
    return vectors


def accuracy(confidence: np.ndarray, labels: np.ndarray) -> float:
    """Share of records whose largest confidence (records, classes) is at their label."""
    return float((confidence.argmax(axis=-1) == labels).mean())
