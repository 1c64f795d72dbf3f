"""What an attack on single records sees: a signal of every model and record, and who saw what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable, Optional

import numpy as np


@dataclass(frozen=True)
class Panel:
    """One signal (see :data:`mia_dual.signals.SIGNALS`) of the same records, model by model.

    ``target``: (records,) float64, what the model under attack gives. ``references``: (models,
    records) float64. ``inside``: (models, records) bool, whether the reference was trained on the
    record; a record may be inside all of them, or none. ``labels``: (records,) int64.
    """

    target: np.ndarray
    references: np.ndarray
    inside: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.target)

    def take(self, records: slice) -> Panel:
        """The panel of some of the records."""
        return Panel(
            self.target[records],
            self.references[:, records],
            self.inside[:, records],
            self.labels[records],
        )


Score = Callable[[Panel, Optional[Panel]], np.ndarray]
"""An attack: from the panel of the records it is asked about, and that of the population (records
that the target never saw; None where there is none), to (records,) float64 scores, finite, the
higher the more a member. A record's score depends on the other records asked about in nothing but
what is estimated over all of them (a pooled variance), and on their order in nothing.
"""
