"""Attacks on predicted labels alone (Choquette-Choo et al. 2021, "Label-only membership inference
attacks"): a member keeps its label further from home.

Their signals come from answers on altered records, and are signals like others: of every model
and record, so that references set the threshold.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mia_dual.attacks.base import Need

NEEDS = frozenset({Need.QUERIES})


def rightly_called(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Whether a model's label is the record's own: (..., records) bool.

    ``logits`` (..., records, classes), of which nothing but the predicted label is used;
    ``labels`` (records,). A label that ties with another is not called, whichever comes first.
    """
    own = np.broadcast_to(labels[:, None], (*logits.shape[:-1], 1))
    at_label = np.take_along_axis(logits, own, axis=-1)
    called: np.ndarray = at_label[..., 0] == logits.max(axis=-1)
    called &= (logits == at_label).sum(axis=-1) == 1
    return called


def share_kept(right: np.ndarray) -> np.ndarray:
    """The share of altered copies that keep the right label: (...) float64 in 0 .. 1.

    ``right`` (alterations, ...) bool, the unaltered record among them if it was asked about. The
    paper's attack by augmentation, with the sum of its bits where it has a network on them; over
    noise at rising levels, its robustness to noise.
    """
    share: np.ndarray = right.mean(axis=0, dtype=np.float64)
    return share


def level_kept(right: np.ndarray, levels: Sequence[float]) -> np.ndarray:
    """How far from a record its label holds, along random directions: (...) float64.

    ``right`` (draws, levels + 1, ...) bool: the unaltered record first, then the draw's noise at
    ``levels``, rising. A draw's distance lies half-way between the last level before the first
    wrong call and that call's; 0 where the record itself is called wrongly, as in the paper, and
    the last level where all are called rightly. The mean over draws.

    This is no distance to the decision boundary: the paper walks to it by HopSkipJump, thousands
    of queries a record, and asks about noise where those are too many. Random directions meet
    the boundary much later than the nearest one does, so a score says which record is the more
    robust, and not how near the boundary lies.
    """
    held = np.logical_and.accumulate(right, axis=1).sum(axis=1)
    ends = np.asarray([0.0, *levels])
    reached = np.concatenate([[0.0], (ends[:-1] + ends[1:]) / 2, ends[-1:]])
    return np.asarray(reached[held].mean(axis=0))
