"""A signal held against a threshold: Yeom et al. 2018 (CSF), Song & Mittal 2021 (USENIX Security).

The attack with one threshold for all is the signal itself. Loss, confidence and log odds at the
label have one order and so are one attack, here called ``loss``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Optional

import numpy as np

from mia_dual.attacks.panel import Panel


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
    """Of each class the cut with the highest balanced accuracy (Song & Mittal 2021, section 4.1).

    ``signal`` (n,) float64, ``labels`` (n,) int64 and ``membership`` (n,) bool are evidence from
    shadows. A class without members or without non-members in it takes the cut of all. Raises
    ValueError where there are none of either in all.
    """
    if not membership.any() or membership.all():
        raise ValueError("evidence needs members and non-members")
    of_class = {}
    for label in np.unique(labels).tolist():
        chosen = labels == label
        sides = membership[chosen]
        if sides.any() and not sides.all():
            of_class[label] = _best_cut(signal[chosen], sides)
    return Cuts(of_class, _best_cut(signal, membership))


def threshold(panel: Panel, population: Optional[Panel] = None) -> np.ndarray:
    """The target's signal; neither references nor ``population`` are looked at."""
    return np.asarray(panel.target, np.float64)


def threshold_per_class(panel: Panel, population: Optional[Panel] = None) -> np.ndarray:
    """The target's signal less the threshold of the record's class.

    Thresholds are fitted on what references say of ``panel`` and ``population``, whose members
    they know. Raises ValueError where references know no members, or no non-members.
    """
    known = [panel] if population is None else [panel, population]
    cuts = class_thresholds(
        np.concatenate([each.references.ravel() for each in known]),
        np.concatenate(
            [np.broadcast_to(each.labels, each.inside.shape).ravel() for each in known]
        ),
        np.concatenate([each.inside.ravel() for each in known]),
    )
    return panel.target - cuts.of(panel.labels)


def _best_cut(signal: np.ndarray, membership: np.ndarray) -> float:
    """The highest of the best: members are those above it. Half-way between two records."""
    order = np.argsort(signal)
    ascending = signal[order].astype(np.float64)
    inside = membership[order]
    # Of a cut at each record: non-members at it or below are told rightly, members wrongly.
    gain = np.cumsum(~inside) / (~inside).sum() - np.cumsum(inside) / inside.sum()
    last = np.append(ascending[1:] != ascending[:-1], True)
    gain = gain[last]
    values = ascending[last]
    best = len(gain) - 1 - int(gain[::-1].argmax())
    if best == len(values) - 1:
        return float(values[best])
    middle = values[best] + (values[best + 1] - values[best]) / 2
    return float(middle if middle < values[best + 1] else values[best])
