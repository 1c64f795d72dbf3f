"""Probabilities of a support vector machine from its margins on the training records alone.

scikit-learn's own fit a sigmoid for each pair of classes on five more machines, each trained
without a fifth of the records: six times the cost, and what is published then is not what the
margins of the one machine say of its members. Here the margins of all classes pass one softmax
whose sharpness fits the training records best: by cross entropy of the own class against the rest,
with Platt's target (n + 1) / (n + 2) for a class of n records, which keeps it finite where every
record is on its right side (Platt 1999, section 2.2, one parameter for all classes).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, logsumexp, softmax

SHARPEST = 1e4


def sharpness(machine: Any, inputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """What the margins of a fitted ``machine`` are multiplied by: (1,) float64."""
    margins = _margins(machine, inputs)
    classes = margins.shape[1]
    own = np.searchsorted(machine.classes_, labels)
    members = np.bincount(own, minlength=classes)[own]
    targets = (members + 1) / (members + 2)
    is_own = np.arange(classes) == own[:, None]

    def loss(exponent: float) -> float:
        logarithms = log_softmax(np.exp(exponent) * margins, axis=1)
        rest = logsumexp(logarithms, axis=1, b=~is_own)
        return float(-(targets * logarithms[is_own] + (1 - targets) * rest).sum())

    best = minimize_scalar(loss, bounds=(-np.log(SHARPEST), np.log(SHARPEST)), method="bounded")
    return np.exp([best.x])


def probabilities(machine: Any, sharp: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """(records, classes the machine saw) float64; ``sharp`` is its :func:`sharpness`."""
    found: np.ndarray = softmax(sharp[0] * _margins(machine, inputs), axis=1)
    return found


def _margins(machine: Any, inputs: np.ndarray) -> np.ndarray:
    """How far inside each class a record lies, one against the rest: (records, classes)."""
    found: np.ndarray = machine.decision_function(inputs)
    return np.stack([-found, found], axis=1) if found.ndim == 1 else found
