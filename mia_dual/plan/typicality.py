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
    chosen = flat(features, members)
    chosen /= units(features, members)
    for label in np.unique(labels[members]):
        alike = labels[members] == label
        records = chosen[alike]
        distances = np.linalg.norm(records - records.mean(axis=0, dtype=np.float64), axis=1)
        typical = distances.mean()
        found[alike] = distances / typical if typical > 0 else 0.0
    return found


def flat(features: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """The features of ``rows`` in a row each: (rows, numbers) float32."""
    return features[rows].reshape(len(rows), features[0].size).astype(np.float32)


def units(features: np.ndarray, members: np.ndarray) -> np.ndarray:
    """What each of a record's numbers is divided by before records are held against each other.

    (numbers,) float32: the standard deviation among ``members``, 1 where they are all alike; 1 for
    pixels (uint8), which have one scale already.
    """
    if features.dtype == np.uint8:
        return np.ones(features[0].size, np.float32)
    spread = flat(features, members).std(axis=0)
    return np.where(spread > 0, spread, np.float32(1))
