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
from typing import Optional

import numpy as np

from mia_dual.errors import DataError

LIMIT = 80.0
"""Log odds and log confidences end here. Float64 tells confidences no further from 1 than e^-37,
and a model in float32 rarely gives logits that are further apart; what is beyond says nothing
more, and would own the means and variances that attacks take.
"""

_BLOCK = 2**17
"""Logits worked on at a time: few enough to stay in a core's cache, whatever is asked about."""

_QUICK_CLASSES = 128
"""Float32 logits of up to so many classes are looked at quickly: sums of more lose digits."""

_QUICK_OWN, _QUICK_OTHERS = 45.0, 1e15
"""And only where the label's logit is within the first of 0, and the others' exponentials sum to
between the second and its inverse: nothing overflows there, and no odds pass :data:`LIMIT`.
"""


def confidences(logits: np.ndarray) -> np.ndarray:
    """Softmax of ``logits`` (..., classes), float32: each record's vector sums to 1.

    Worked out in float64. A logit of infinity is taken as its limit: such classes share all
    confidence evenly, and one of minus infinity has none. Raises DataError where a logit is NaN or
    all of a record are minus infinity, since no vector says what that means.
    """
    rows = logits.reshape(-1, logits.shape[-1])
    found = np.empty(rows.shape, np.float32)
    step = max(1, _BLOCK // logits.shape[-1])
    for start in range(0, len(rows), step):
        exact = _below_largest(rows[start : start + step].astype(np.float64), axis=-1)
        np.exp(exact, out=exact)
        exact /= exact.sum(axis=-1, keepdims=True)
        found[start : start + step] = exact
    return found.reshape(logits.shape)


def log_confidence(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Log of the confidence at the label, the loss's negative: in -80 .. 0 (Yeom et al. 2018).

    It has the order of :func:`log_odds`, however near 1 the confidence is.
    """
    return _in_blocks(_log_confidence, logits, labels, _quick_log_confidence)


def log_odds(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Log of the confidence at the label over that of all other classes, in -80 .. 80.

    LiRA's logit in its stable form (Carlini et al. 2022, sections IV-C and VI-A): over models it
    is near a Gaussian. Of float32 logits it is exact to 1e-6, of others to rounding.
    """
    return _in_blocks(_log_odds, logits, labels, _quick_log_odds)


def correctness(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """1 where no class has a larger logit than the label, else 0 (Yeom et al. 2018)."""
    return _in_blocks(_correctness, logits, labels)


def negative_entropy(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The entropy's negative, whatever the label: at most 0 (Song & Mittal 2021)."""
    return _in_blocks(_negative_entropy, logits, labels)


def negative_modified_entropy(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The negative of Song & Mittal 2021's modified entropy (equation 8): at most 0.

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
    quick: Optional[Callable[[np.ndarray, np.ndarray], np.ndarray]] = None,
) -> np.ndarray:
    """``of_block`` of logits (classes, n) float64, the largest of each column 0, and their labels.

    Classes come first since sums over a short last axis are slow. ``quick`` gives the same of
    float32 logits (n, classes) as they are, NaN where it cannot: ``of_block`` is asked about those
    then. What a record gets depends on no other.
    """
    classes = logits.shape[-1]
    rows = np.asarray(logits).reshape(-1, classes)
    of_row = np.broadcast_to(labels, logits.shape[:-1]).reshape(-1)
    if logits.dtype != np.float32 or classes > _QUICK_CLASSES:
        quick = None

    def exact(rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
        if len(rows) == 1:
            # NumPy adds a single column's numbers in another order than those of several.
            return exact(np.repeat(rows, 2, axis=0), np.repeat(labels, 2))[:1]
        block = np.array(rows.T, dtype=np.float64, order="C")
        return of_block(_below_largest(block, axis=0), labels)

    found = np.empty(len(rows))
    step = max(1, _BLOCK // classes)
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        if quick is None:
            found[part] = exact(rows[part], of_row[part])
            continue
        found[part] = block = quick(np.ascontiguousarray(rows[part]), of_row[part])
        # The least is NaN where any is.
        if np.isnan(block.min()):
            left = start + np.flatnonzero(np.isnan(block))
            found[left] = exact(rows[left], of_row[left])
    return found.reshape(logits.shape[:-1])


def _quick_log_odds(rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Exponentials and their sum in float32, of logits as they are, without the largest: half of
    the time, an error of some 1e-7.
    """
    flat = rows.reshape(-1)
    places = np.arange(0, rows.size, rows.shape[1])
    places += labels
    own = flat[places]
    with np.errstate(over="ignore", invalid="ignore"):
        raised = np.exp(flat)
        raised[places] = 0.0
        # Twice as fast as sum(axis=1), and the order of its additions depends on classes alone.
        others = np.einsum("ij->i", raised.reshape(rows.shape))
    sound = (others > 1 / _QUICK_OTHERS) & (others < _QUICK_OTHERS) & (np.abs(own) < _QUICK_OWN)
    others[~sound] = np.nan
    odds = np.log(others, dtype=np.float64)
    np.subtract(own, odds, out=odds)
    return odds


def _quick_log_confidence(rows: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return _confidence_of(_quick_log_odds(rows, labels))


def _log_confidence(block: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return _confidence_of(_log_odds(block, labels))


def _confidence_of(odds: np.ndarray) -> np.ndarray:
    """-log(1 + exp(-odds)), with no exponential above 1."""
    return np.minimum(odds, 0.0) - np.log1p(np.exp(-np.abs(odds)))


def _log_odds(block: np.ndarray, labels: np.ndarray) -> np.ndarray:
    columns = np.arange(len(labels))
    own = block[labels, columns]
    np.exp(block, out=block)
    block[labels, columns] = 0.0
    return np.clip(own - _log(block.sum(axis=0)), -LIMIT, LIMIT)


def _correctness(block: np.ndarray, labels: np.ndarray) -> np.ndarray:
    return np.asarray(block[labels, np.arange(len(labels))] == 0, np.float64)


def _negative_entropy(block: np.ndarray, labels: np.ndarray) -> np.ndarray:
    others, shares = _shares(block)
    # A class of no confidence adds none: the limit of p log p.
    np.maximum(block, -np.finfo(np.float64).max, out=block)
    block *= shares
    return block.sum(axis=0) - np.log1p(others)


def _negative_modified_entropy(block: np.ndarray, labels: np.ndarray) -> np.ndarray:
    columns = np.arange(len(labels))
    largest = block.argmax(axis=0)
    others, shares = _shares(block)
    own = np.maximum(block[labels, columns] - np.log1p(others), -LIMIT)
    # What the largest leaves: 1 less it would round to 0 where that is little.
    rest = others / (1.0 + others)
    shares[largest, columns] = 0.0
    terms = shares * np.log1p(-shares)
    terms[largest, columns] = _log(rest) / (1.0 + others)
    unsure = np.where(labels == largest, rest, 1.0 - shares[labels, columns])
    terms[labels, columns] = unsure * own
    return terms.sum(axis=0)


def _shares(block: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What all classes but the largest have, the largest having 1, (n,); and every class's
    confidence, (classes, n).
    """
    shares = np.exp(block)
    columns = np.arange(block.shape[1])
    largest = block.argmax(axis=0)
    shares[largest, columns] = 0.0
    others = shares.sum(axis=0)
    shares[largest, columns] = 1.0
    shares /= 1.0 + others
    return others, shares


def _log(values: np.ndarray) -> np.ndarray:
    """Log of values of at least 0, not below -:data:`LIMIT`."""
    return np.log(np.maximum(values, np.exp(-LIMIT)))
