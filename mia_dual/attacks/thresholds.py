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
            of_class[label] = _best_cut(said[inside], said[~inside])
    return Cuts(of_class, _best_cut(signal[membership], signal[~membership]))


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
        np.concatenate([each.references for each in known], axis=1),
        np.concatenate([each.labels for each in known]),
        np.concatenate([each.inside for each in known], axis=1),
    )
    return panel.target - cuts.of(panel.labels)


def _best_cut(members: np.ndarray, others: np.ndarray) -> float:
    """Members are those above it: half-way between two records, at the highest of the best."""
    members, others = np.sort(members), np.sort(others)
    # Right calls rise with the cut at the signal of a non-member alone: those are all to look at.
    missed = np.searchsorted(members, others, side="right") / len(members)
    gain = np.arange(1, len(others) + 1) / len(others) - missed
    best = len(others) - 1 - int(gain[::-1].argmax())
    cut = float(others[best])
    beyond = [side[np.searchsorted(side, cut, side="right") :][:1] for side in (members, others)]
    above = min(np.concatenate(beyond).tolist(), default=cut)
    middle = cut + (above - cut) / 2
    return middle if middle < above else cut
