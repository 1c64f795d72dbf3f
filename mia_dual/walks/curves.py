"""ROC curves of every attack, in full: what any figure of them can be read from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mia_dual.metrics.ranking import roc
from mia_dual.walks.scoring import Scores
from mia_dual.walks.trials import Place, trials_at


def roc_arrays(scores: Scores, places: Sequence[Place]) -> dict[str, np.ndarray]:
    """As ``roc.npz`` holds them: for every attack ``<attack>/thresholds``, ``/fpr`` and ``/tpr``,
    (points,) float64 each, over all targets of ``places``; attacks without a side are left out.
    """
    arrays = {}
    for attack in scores.table:
        trials = trials_at(scores, attack, places)
        curve = roc(trials.membership, trials.scores)
        if curve is not None:
            arrays[f"{attack}/thresholds"] = curve.thresholds
            arrays[f"{attack}/fpr"] = curve.fpr
            arrays[f"{attack}/tpr"] = curve.tpr
    return arrays
