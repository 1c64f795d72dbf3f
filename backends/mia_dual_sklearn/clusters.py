"""K-means as a classifier: a cluster answers with the shares of the classes among its members."""

from __future__ import annotations

from typing import Any

import numpy as np


def class_shares(clusters: Any, labels: np.ndarray, classes: int) -> np.ndarray:
    """(clusters, classes) float64 of fitted ``clusters``, whose members have ``labels``.

    A cluster left without members (there are some where members are equal) answers with the
    shares among all.
    """
    counts = np.zeros((clusters.n_clusters, classes))
    np.add.at(counts, (clusters.labels_, labels), 1)
    counts[counts.sum(axis=1) == 0] = counts.sum(axis=0)
    return counts / counts.sum(axis=1, keepdims=True)


def probabilities(clusters: Any, shares: np.ndarray, inputs: np.ndarray) -> np.ndarray:
    """(records, classes) float64: the shares of each record's nearest cluster."""
    return shares[clusters.predict(inputs)]
