"""How exposed each audited record is, by what references say of it."""

from __future__ import annotations

import numpy as np

from mia_dual.answers import Answers
from mia_dual.plan.plan import Plan
from mia_dual.signals import log_odds


def exposed_records(plan: Plan, answers: Answers, labels: np.ndarray) -> np.ndarray:
    """How far apart models that saw a record are from those that did not: (records,) float64, NaN
    where it is not known.

    The difference of the mean logit-scaled confidences of both sides, over the root of their mean
    variance (a side of fewer than three models has that of all records). Of shadows where they saw
    audited records, else of the targets themselves: a record that is chosen by what its own target
    says looks a little more exposed there than it is, and no more so after it is deleted.
    """
    shadows = [model for model in plan.shadows if model.saw(plan.target_rows).any()]
    models = shadows or [plan.models[target.name] for target in plan.targets]
    rows = plan.target_rows
    inside = np.stack([model.saw(rows) for model in models])
    said = np.stack([log_odds(answers.of(model.name, rows), labels[rows]) for model in models])
    means, spreads = [], []
    for side in (inside, ~inside):
        with np.errstate(invalid="ignore", divide="ignore"):
            count = side.sum(axis=0)
            mean = np.where(side, said, 0.0).sum(axis=0) / count
            squares = np.where(side, (said - mean) ** 2, 0.0).sum(axis=0)
            pooled = squares.sum() / max(int((count - 1).clip(0).sum()), 1)
            spreads.append(np.where(count > 2, squares / (count - 1), pooled))
        means.append(mean)
    found = np.full(len(labels), np.nan)
    found[rows] = (means[0] - means[1]) / np.sqrt((spreads[0] + spreads[1]) / 2)
    return found
