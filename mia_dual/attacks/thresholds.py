"""A signal held against a threshold: Yeom et al. 2018 (CSF), Song & Mittal 2021 (USENIX Security).

The attack with one threshold for all is the signal itself. Loss, confidence and log odds at the
label have one order and so are one attack, here called ``loss``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mia_dual.attacks.cuts import balanced_cut


@dataclass(frozen=True)
class Cuts:
    """A threshold for each class that has its own, and one for all others."""

    of_class: Mapping[int, float]
    common: float

    def of(self, labels: np.ndarray) -> np.ndarray:
        """The threshold of each record's class: (records,) float64."""
        found = np.full(len(labels), self.common)
        for label, cut in self.of_class.items():
            found[labels == label] = cut
        return found


def class_thresholds(signal: np.ndarray, labels: np.ndarray, membership: np.ndarray) -> Cuts:
    """Of each class the cut with the highest balanced accuracy (Song & Mittal 2021).

    ``signal`` (..., records) float, ``labels`` (records,) int64 and ``membership`` (..., records)
    bool are evidence from shadows. A class without members or without non-members in it takes the
    cut of all. Raises ValueError where there are none of either in all.
    """
    if not membership.any() or membership.all():
        raise ValueError("evidence needs members and non-members")
    of_class = {}
    for label in np.unique(labels).tolist():
        chosen = labels == label
        said, inside = signal[..., chosen], membership[..., chosen]
        if inside.any() and not inside.all():
            of_class[label] = balanced_cut(said.ravel(), inside.ravel())
    return Cuts(of_class, balanced_cut(signal.ravel(), membership.ravel()))
