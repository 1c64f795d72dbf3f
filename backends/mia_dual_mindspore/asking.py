"""How queries, and questions about gradients, are cut into tasks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mia_dual.flops import training_flops
from mia_dual.interface import NO_RECORD, NetworkSpec, Weights
from mia_dual_mindspore.tasks import Differentiation, Question

ROWS = 8192
"""Rows in a task, so that a single model's go to several processes; a multiple of what a pass
takes, so that none is filled up but the last.
"""

AT_LEAST = 2048
"""Records in a task at least, of several models where one is asked about fewer."""


SLOWER = 8
"""A gradient takes as long as so many answers, and more: tasks have fewer of them."""

Cut = tuple[slice, slice]
"""Some models and some of their rows."""


def question_tasks(
    spec: NetworkSpec, models: Sequence[Weights], rows: np.ndarray
) -> list[tuple[Question, Cut]]:
    """Tasks, each with the models and rows of (models, rows) that it answers."""
    return [
        (Question(spec, tuple(models[chosen]), rows[chosen, part]), (chosen, part))
        for chosen, part in _cuts(rows, ROWS, AT_LEAST)
    ]


def differentiation_tasks(
    spec: NetworkSpec, models: Sequence[Weights], rows: np.ndarray, together: bool
) -> list[tuple[Differentiation, Cut]]:
    """As :func:`question_tasks`, of gradients; one that says the parameters' names at least."""
    cuts = _cuts(rows, ROWS // SLOWER, AT_LEAST // SLOWER) or [(slice(0), slice(None))]
    return [
        (Differentiation(spec, tuple(models[chosen]), rows[chosen, part], together), (chosen, part))
        for chosen, part in cuts
    ]


def _cuts(rows: np.ndarray, most: int, at_least: int) -> list[Cut]:
    models, width = rows.shape
    step = max(1, at_least // max(width, 1))
    return [
        (slice(first, first + step), slice(start, start + most))
        for first in range(0, models, step)
        for start in range(0, width, most)
    ]


def operations(spec: NetworkSpec, models: Sequence[Weights], rows: np.ndarray) -> int:
    """Floating-point operations counted in asking ``models`` about ``rows``."""
    if not models:
        return 0
    # A pass back costs as much again as two forward.
    return int(np.count_nonzero(rows != NO_RECORD)) * training_flops(spec, models[0]) // 3
