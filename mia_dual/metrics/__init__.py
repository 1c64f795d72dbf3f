"""How well scores tell members from non-members.

``membership`` is (records,) bool, ``scores`` (records,) float: the higher, the more a member.
"""

from mia_dual.metrics.decisions import accuracy, f1, precision, recall
from mia_dual.metrics.intervals import auc_interval
from mia_dual.metrics.ranking import auc, placements, ranks, tpr_at_fpr
from mia_dual.metrics.repeats import mean_interval

__all__ = [
    "accuracy",
    "auc",
    "auc_interval",
    "f1",
    "mean_interval",
    "placements",
    "precision",
    "ranks",
    "recall",
    "tpr_at_fpr",
]
