"""What every attack can do once it is fitted."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Attack(Protocol):
    """A fitted attack. Its thresholds come from shadows; a target's memberships never reach it."""

    name: str

    def scores(self, confidences: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Probability of membership, (records,) float64; above .5 the record is called a member.

        ``confidences`` (records, classes) float32, ``labels`` (records,) int64 true classes.
        """
        ...
