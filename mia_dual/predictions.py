"""What one model, or an ensemble of groups, says of the records under audit."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mia_dual.signals import accuracy


@dataclass(frozen=True)
class Predictions:
    """``rows``: sorted record indices; ``confidences``: (rows, classes) float32."""

    rows: np.ndarray
    confidences: np.ndarray

    def of(self, rows: np.ndarray) -> np.ndarray:
        """The confidences of ``rows``, each of which is in ``self.rows``."""
        return self.confidences[np.searchsorted(self.rows, rows)]

    def accuracy(self, rows: np.ndarray, labels: np.ndarray) -> float:
        """Share of ``rows`` predicted right; ``labels`` are those of all records."""
        return accuracy(self.of(rows), labels[rows])
