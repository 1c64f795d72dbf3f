"""How well scores tell members from non-members.

``membership`` is (records,) bool, ``scores`` (records,) float: the higher, the more a member.
"""

from mia_dual.metrics.decisions import accuracy, f1, precision, recall
from mia_dual.metrics.epsilon import epsilon_from_one_run, epsilon_from_rates
from mia_dual.metrics.intervals import auc_interval
from mia_dual.metrics.ranking import auc, placements, ranks, roc, threshold_at, tpr_at_fpr
from mia_dual.metrics.rates import (
    advantage,
    balanced_accuracy,
    clopper_pearson,
    false_positive_rate,
    precision_at,
    true_positive_rate,
    wilson,
)
from mia_dual.metrics.repeats import mean_interval

__all__ = [
    "accuracy",
    "advantage",
    "auc",
    "auc_interval",
    "balanced_accuracy",
    "clopper_pearson",
    "epsilon_from_one_run",
    "epsilon_from_rates",
    "f1",
    "false_positive_rate",
    "mean_interval",
    "placements",
    "precision",
    "precision_at",
    "ranks",
    "recall",
    "roc",
    "threshold_at",
    "tpr_at_fpr",
    "true_positive_rate",
    "wilson",
]
