"""Attack-P (Ye et al. 2022, CCS, section 4.2): a record among others that the target never saw."""

from __future__ import annotations

from typing import Optional

import numpy as np

from mia_dual.attacks.panel import Panel
from mia_dual.attacks.places import share

LEAST = 20
"""A class with fewer records in the population is held against all of it."""


def attack_p(panel: Panel, population: Optional[Panel], *, least: int = LEAST) -> np.ndarray:
    """The share of the population of the record's class whose signal the record's exceeds.

    A score of 1 - f is a test at a false-positive rate of f. Records between the same two of the
    population, or beyond them all, are told apart by how far they lie from its mean. Of a class
    with fewer than ``least`` records the whole population is taken. Raises ValueError where there
    is no population.
    """
    if population is None or not len(population):
        raise ValueError("there is no population to hold records against")
    scores = np.empty(len(panel))
    for label in np.unique(panel.labels):
        asked = panel.labels == label
        same = population.labels == label
        others = population.target[same] if same.sum() >= least else population.target
        scores[asked] = _places(panel.target[asked], np.sort(others))
    return scores


def _places(signal: np.ndarray, others: np.ndarray) -> np.ndarray:
    below = np.searchsorted(others, signal, side="left")
    beaten = (below + np.searchsorted(others, signal, side="right")) / 2
    spread = others.std(dtype=np.float64) or 1.0
    return share(beaten, np.asarray(len(others)), (signal - others.mean(dtype=np.float64)) / spread)
