"""An attack that asks several times about each record, altered each time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import numpy as np

from mia_dual.attacks.panel import Panel, Score


def over_queries(
    score: Score, panels: Sequence[Panel], populations: Sequence[Optional[Panel]]
) -> np.ndarray:
    """The mean of what ``score`` gives for each query: (records,) float64.

    ``panels``: of the same records, one a query (the unaltered records are one, too), and
    ``populations`` what goes with each. For LiRA's scores, which are log likelihood ratios, that
    is the ratio of all queries together, were a model's signals independent between queries, by
    their number (Carlini et al. 2022, section VI, who fit a covariance besides: that takes more
    references than queries). A single query gives its scores unchanged.
    """
    total = np.zeros(len(panels[0]))
    for panel, population in zip(panels, populations):
        total += score(panel, population)
    return total / len(panels)
