"""What an attack looks at: functions of logits, in NumPy, for every backend alike.

Those of :data:`SIGNALS` give each model and record one float64, finite whatever the logits, the
higher the more it looks like a member: of ``logits`` (..., records, classes) and ``labels``
(records,) they make (..., records). They are worked out from logits and not from confidences,
which round to 1 for the records that matter most. A logit of infinity is taken as its limit
(see :func:`confidences`): so votes of an ensemble, or confidences of exactly 0 and 1 turned into
logits, have signals too. All raise DataError where :func:`confidences` does.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from mia_dual.errors import DataError

LIMIT = 80.0
"""Log odds and log confidences end here. Float64 tells confidences no further from 1 than e^-37,
and a model in float32 rarely gives logits that are further apart; what is beyond says nothing
more, and would own the means and variances that attacks take.
"""

_BLOCK = 2**16
"""Logits worked on at a time: few enough to stay in a core's cache, whatever is asked about."""


def confidences(logits: np.ndarray) -> np.ndarray:
    """Softmax of ``logits`` (..., classes), float32: each record's vector sums to 1.

    Worked out in float64. A logit of infinity is taken as its limit: such classes share all
    confidence evenly, and one of minus infinity has none. Raises DataError where a logit is NaN or
    all of a record are minus infinity, since no vector says what that means.
    """
    exact = _below_largest(logits.astype(np.float64), axis=-1)
    np.exp(exact, out=exact)
    exact /= exact.sum(axis=-1, keepdims=True)
    return exact.astype(np.float32)


def log_confidence(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Log of the confidence at the label, the loss's negative: in -80 .. 0 (Yeom et al. 2018).

    It has the order of :func:`log_odds`, however near 1 the confidence is.
    """
    return -np.logaddexp(0.0, -log_odds(logits, labels))


def log_odds(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Log of the confidence at the label over that of all other classes, in -80 .. 80.

    LiRA's logit (Carlini et al. 2022, section V-C): over models it is near a Gaussian.
    """
    return _in_blocks(_log_odds, logits, labels)


def correctness(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """1 where no class has a larger logit than the label, else 0 (Yeom et al. 2018's gap attack;
    Song & Mittal 2021, section 4.1).
    """
    return _in_blocks(_correctness, logits, labels)


def negative_entropy(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The entropy's negative, whatever the label: at most 0 (Song & Mittal 2021, section 4.1)."""
    return _in_blocks(_negative_entropy, logits, labels)


def negative_modified_entropy(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The negative of Song & Mittal 2021's modified entropy (section 4.2): at most 0.

    Least where a model is sure of a wrong class, logs ending at -80.
    """
    return _in_blocks(_negative_modified_entropy, logits, labels)


Signal = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""A function of ``logits`` and ``labels``; see the module."""

SIGNALS: dict[str, Signal] = {
    "log_confidence": log_confidence,
    "log_odds": log_odds,
    "correctness": correctness,
    "negative_entropy": negative_entropy,
    "negative_modified_entropy": negative_modified_entropy,
}
"""Every signal by its name."""


def accuracy(confidence: np.ndarray, labels: np.ndarray) -> float:
    """Share of records whose largest confidence (records, classes) is at their label."""
    return float((confidence.argmax(axis=-1) == labels).mean())


def _below_largest(exact: np.ndarray, axis: int) -> np.ndarray:
    """``exact`` less the largest along ``axis``, in place where it can be."""
    largest = exact.max(axis=axis, keepdims=True)
    if not np.isfinite(largest).all():
        if np.isnan(largest).any() or np.isneginf(largest).any():
            raise DataError(
                "a model's logits are no numbers (NaN, or minus infinity for every class): it has "
                "diverged, or the outputs given are damaged"
            )
        unbounded = np.isposinf(largest)
        exact = np.where(unbounded, np.where(np.isposinf(exact), 0.0, -np.inf), exact)
        largest = np.where(unbounded, 0.0, largest)
    exact -= largest
    return exact


def _in_blocks(
    of_block: Callable[[np.ndarray, np.ndarray], np.ndarray],
    logits: np.ndarray,
    labels: np.ndarray,
) -> np.ndarray:
    """``of_block`` of logits (classes, n) float64, the largest of each column 0, and their labels.

    Classes come first since sums over a short last axis are slow.
    """
    classes = logits.shape[-1]
    rows = logits.reshape(-1, classes)
    of_row = np.broadcast_to(labels, logits.shape[:-1]).reshape(-1)
    found = np.empty(len(rows))
    step = max(1, _BLOCK // classes)
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        block = np.array(rows[part].T, dtype=np.float64, order="C")
        found[part] = of_block(_below_largest(block, axis=0), of_row[part])
    return found.reshape(logits.shape[:-1])


def _log_odds(block: np.ndarray, labels: np.ndarray) -> np.ndarray:
    columns = np.arange(len(labels))
    own = block[labels, columns]
    np.exp(block, out=block)
    block[labels, columns] = 0.0
    return np.clip(own - _log(block.sum(axis=0)), -LIMIT, LIMIT)


def _correctness(block: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.asarray(block[labels, np.arange(len(labels))] == 0, np.float64)


def _negative_entropy(block: np.ndarray, labels: np.ndarray) -> np.ndarray:
    shares = np.exp(block)
    total = shares.sum(axis=0)
    # A class of no confidence adds none: the limit of p log p.
    np.maximum(block, -np.finfo(np.float64).max, out=block)
    block *= shares
    return np.minimum(block.sum(axis=0) / total - np.log(total), 0.0)


def _negative_modified_entropy(block: np.ndarray, labels: np.ndarray) -> np.ndarray:
    columns = np.arange(len(labels))
    largest = block.argmax(axis=0)
    own = block[labels, columns]
    np.exp(block, out=block)
    total = block.sum(axis=0)
    block[largest, columns] = 0.0
    others = block.sum(axis=0)
    block[largest, columns] = 1.0
    block /= total
    # What is left of 1 beside each class: exact at the largest, where a difference would not be.
    without = 1.0 - block
    without[largest, columns] = others / total
    block *= _log(without)
    block[labels, columns] = without[labels, columns] * np.maximum(own - np.log(total), -LIMIT)
    return block.sum(axis=0)


def _log(values: np.ndarray) -> np.ndarray:
    """Log of values of at least 0, not below -:data:`LIMIT`."""
    return np.log(np.maximum(values, np.exp(-LIMIT)))
