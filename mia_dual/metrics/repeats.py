"""What several seeds say together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Optional

import numpy as np


def mean_interval(
    values: Sequence[float], confidence: float = 0.95
) -> tuple[float, Optional[tuple[float, float]]]:
    """The mean of ``values``, one a seed and one at least, and Student's t-interval of it.

    mean +- t s / sqrt(n), s the values' standard deviation and t of n - 1 degrees of freedom: 12.7
    for two seeds, 4.3 for three, 2.8 for five. It supposes that seeds are drawn independently and
    their values are spread about normally. None for one value, of whose spread nothing is known.
    """
    from scipy.special import stdtrit

    mean = float(np.mean(values))
    count = len(values)
    if count < 2:
        return mean, None
    t = float(stdtrit(count - 1, 0.5 + confidence / 2))
    reach = t * float(np.std(values, ddof=1)) / math.sqrt(count)
    return mean, (mean - reach, mean + reach)
