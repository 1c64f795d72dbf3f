"""How queries are cut into tasks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mia_dual.flops import training_flops
from mia_dual.interface import NO_RECORD, NetworkSpec, Weights
from mia_dual_mindspore.tasks import Question

ROWS = 8192
"""Rows in a task, so that a single model's go to several processes; a multiple of what a pass
takes, so that none is filled up but the last.
"""

AT_LEAST = 2048
"""Records in a task at least, of several models where one is asked about fewer."""


def question_tasks(
    spec: NetworkSpec, models: Sequence[Weights], rows: np.ndarray
) -> list[tuple[Question, tuple[slice, slice]]]:
    """Tasks, each with the models and rows of (models, rows) that it answers."""
    width = rows.shape[1]
    step = max(1, AT_LEAST // width)
    cuts = [
        (slice(first, first + step), slice(start, start + ROWS))
        for first in range(0, len(models), step)
        for start in range(0, width, ROWS)
    ]
    return [
        (Question(spec, tuple(models[chosen]), rows[chosen, part]), (chosen, part))
        for chosen, part in cuts
    ]


def operations(spec: NetworkSpec, models: Sequence[Weights], rows: np.ndarray) -> int:
    """Floating-point operations counted in asking ``models`` about ``rows``."""
    # A pass back costs as much again as two forward.
    return int(np.count_nonzero(rows != NO_RECORD)) * training_flops(spec, models[0]) // 3
