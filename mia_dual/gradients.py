"""What the gradients of a loss by record are made of, for every backend alike.

The cross entropy's gradient by a record's logits is p - y: confidences less the one-hot label. At
the label it is -(1 - p), which float32 loses where the record is fitted well, as an overfitted
target's members are. So it is written as (1 - p at the label) x direction. The direction, -1 at
the label and elsewhere the softmax over the other classes, has the size of 1 whatever the fit: it
is what goes back through a network in float32. The first factor multiplies norms at the end.
"""

from __future__ import annotations

import numpy as np


def loss_errors(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """1 - the confidence at the own label: (...) float64 from (..., classes) and (...) int64."""
    exact = logits.astype(np.float64)
    chosen = labels[..., None]
    own = np.take_along_axis(exact, chosen, -1)[..., 0]
    np.put_along_axis(exact, chosen, -np.inf, -1)
    # -log(1 - p) = log(1 + exp(own - log of the sum of the others' exponentials))
    errors: np.ndarray = np.exp(-np.logaddexp(0.0, own - np.logaddexp.reduce(exact, axis=-1)))
    return errors
