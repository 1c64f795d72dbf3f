"""Attacks on predicted labels alone (Choquette-Choo et al. 2021, "Label-only membership inference
attacks"): a member keeps its label further from home.

Their signals come from answers on altered records, and are signals like others: of every model
and record, so that references set the threshold.
"""

from __future__ import annotations

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
