"""How unlike its class a record is, judged without any model."""

from __future__ import annotations

import numpy as np


def strangeness(features: np.ndarray, labels: np.ndarray, members: np.ndarray) -> np.ndarray:
    """How far each of ``members`` lies from the others of its label: (members,) float64.

    ``features`` (records, ...) and ``labels`` (records,) are those of all records. The Euclidean
    distance to the mean of the label's members, over the mean of these distances, so that a label
    of varied records does not hold all the strange ones; 0 where all are alike. Pixels (uint8)
    are taken as they are; other features each over their standard deviation among ``members``,
    so that the unit one is measured in does not matter.
    """
    found = np.zeros(len(members))
    chosen = features[members].reshape(len(members), -1).astype(np.float32)
    if features.dtype != np.uint8:
        spread = chosen.std(axis=0)
        chosen /= np.where(spread > 0, spread, 1)
    for label in np.unique(labels[members]):
        alike = labels[members] == label
        records = chosen[alike]
        distances = np.linalg.norm(records - records.mean(axis=0, dtype=np.float64), axis=1)
        typical = distances.mean()
        found[alike] = distances / typical if typical > 0 else 0.0
    return found
