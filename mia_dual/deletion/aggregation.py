"""What the models of a grouped training say together."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def aggregate(confidences: Sequence[np.ndarray], how: str) -> np.ndarray:
    """What the groups say together: (records, classes) float32 from one such array a group.

    ``mean`` of confidences, or ``vote``: each group's share of votes, one a group.
    """
    answers = np.stack(confidences)
    if how == "vote":
        answers = np.eye(answers.shape[-1], dtype=np.float32)[answers.argmax(axis=-1)]
    mean: np.ndarray = answers.mean(axis=0, dtype=np.float64).astype(np.float32)
    return mean
