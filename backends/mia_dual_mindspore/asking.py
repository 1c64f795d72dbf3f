"""How queries are cut into tasks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mia_dual.flops import training_flops
from mia_dual.interface import NO_RECORD, NetworkSpec, Weights
from mia_dual_mindspore.tasks import Question

MODELS = 2
"""Models in a task: as many as are asked at once."""

ROWS = 8192
"""Rows in a task, so that a single model's go to several processes; a multiple of what a pass
takes, so that none is filled up but the last.
"""


def question_tasks(
    spec: NetworkSpec, models: Sequence[Weights], rows: np.ndarray, stacked: bool
) -> list[tuple[Question, tuple[slice, slice]]]:
    """Tasks, each with the models and rows of (models, rows) that it answers."""
    cuts = [
        (slice(first, first + MODELS), slice(start, start + ROWS))
        for first in range(0, len(models), MODELS)
        for start in range(0, rows.shape[1], ROWS)
    ]
    return [
        (Question(spec, tuple(models[chosen]), rows[chosen, part], stacked), (chosen, part))
        for chosen, part in cuts
    ]


def operations(spec: NetworkSpec, models: Sequence[Weights], rows: np.ndarray) -> int:
    """Floating-point operations counted in asking ``models`` about ``rows``."""
    # A pass back costs as much again as two forward.
    return int(np.count_nonzero(rows != NO_RECORD)) * training_flops(spec, models[0]) // 3
