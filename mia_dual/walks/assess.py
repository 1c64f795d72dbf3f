"""Measures scores and models on records of known membership."""

from __future__ import annotations

import numpy as np

from mia_dual import metrics
from mia_dual.plan.splits import Membership
from mia_dual.report.results import AttackResult, ClassResult, Success

FALSE_POSITIVE_RATES = (0.001, 0.01, 0.1)
"""Where the ROC curve is read: an attack that matters finds members without false alarms."""

THRESHOLD = 0.5
"""A record that scores above is called a member."""


def assess(scores: np.ndarray, truth: Membership, labels: np.ndarray) -> AttackResult:
    """The success of an attack's ``scores`` of ``truth.rows``, overall and per class.

    ``labels`` are those of all records. Memberships are used here, to score, and nowhere else.
    """
    rows = truth.rows
    membership = np.repeat([True, False], [len(truth.members), len(truth.non_members)])
    per_class = [
        ClassResult(label=int(label), **_success(membership[chosen], scores[chosen]).model_dump())
        for label in np.unique(labels[rows])
        for chosen in [labels[rows] == label]
    ]
    return AttackResult(**_success(membership, scores).model_dump(), per_class=per_class)


def _success(membership: np.ndarray, scores: np.ndarray) -> Success:
    accused = scores > THRESHOLD
    return Success(
        members=int(membership.sum()),
        non_members=int((~membership).sum()),
        auc=metrics.auc(membership, scores),
        auc_interval=metrics.auc_interval(membership, scores),
        accuracy=metrics.accuracy(membership, accused),
        precision=metrics.precision(membership, accused),
        recall=metrics.recall(membership, accused),
        f1=metrics.f1(membership, accused),
        tpr_at_fpr={
            str(rate): metrics.tpr_at_fpr(membership, scores, rate) for rate in FALSE_POSITIVE_RATES
        },
    )
