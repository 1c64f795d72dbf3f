"""Ratios of confidences: the target's over what models give in the mean (RMIA, BASE).

The signal is :func:`mia_dual.signals.log_confidence`.
"""

from __future__ import annotations

from typing import Optional

import numpy as np

from mia_dual.attacks.panel import Panel

GAMMA = 2.0
A = 0.3
TEMPERATURE = 1.0

_BLOCK = 512
"""Records worked on at a time: the models' values of so many stay in a core's cache."""

_LEAST = np.finfo(np.float64).tiny


def base(
    panel: Panel, population: Optional[Panel] = None, *, temperature: float = TEMPERATURE
) -> np.ndarray:
    """BASE (Lassila et al. 2025, arXiv 2505.24089): the log confidence at a ``temperature`` (above
    0) less the log of its mean over references; ``population`` is not looked at.

    The mean is over all references, so the attack is online for records that half of them were
    trained on, and offline for those that none was. At temperature 1 it has the order of RMIA's
    ratios: of the online attack's in the first case, in the second of the offline attack's with
    a = 1. At high temperatures it becomes difficulty calibration. Raises ValueError without
    references.
    """
    if not len(panel.references):
        raise ValueError("there are no references")
    scores = np.empty(len(panel))
    for start in range(0, len(panel), _BLOCK):
        part = slice(start, start + _BLOCK)
        above = panel.references[:, part] / temperature - panel.target[part] / temperature
        largest = above.max(axis=0)
        scores[part] = -largest - np.log(np.exp(above - largest).mean(axis=0))
    return scores


def rmia_online(
    panel: Panel, population: Optional[Panel] = None, *, gamma: float = GAMMA, a: float = A
) -> np.ndarray:
    """RMIA (Zarifzadeh et al. 2024, ICML): the share of the population's records z that the record
    dominates, by a ratio of ratios of at least ``gamma`` (above 0).

    A record's ratio is the target's confidence over (p_out + p_in) / 2, the mean of the references
    that were not trained on it and that of those that were. A record, or a z, without the latter
    is taken as in :func:`rmia_offline`. Raises ValueError where no record has a reference that was
    trained on it, or none has one that was not.
    """
    if not panel.inside.any():
        raise ValueError("no record has a reference on the 'in' side")
    return _dominated(panel, population, gamma, a, use_in=True)


def rmia_offline(
    panel: Panel, population: Optional[Panel] = None, *, gamma: float = GAMMA, a: float = A
) -> np.ndarray:
    """:func:`rmia_online` from references alone that were not trained on the record.

    p_in is taken as ``a`` p_out + 1 - ``a`` (appendix B.2.2), ``a`` in 0 .. 1: less where models
    memorise more. A record without such references takes the mean p_out of all records. A
    population record without them is left out; where there are none with them, the panel's own
    records are the population. Raises ValueError where each record is in all references.
    """
    return _dominated(panel, population, gamma, a, use_in=False)


def _dominated(
    panel: Panel, population: Optional[Panel], gamma: float, a: float, use_in: bool
) -> np.ndarray:
    if panel.inside.all():
        raise ValueError("no record has a reference on the 'out' side")
    ratios = _log_ratios(panel, a, use_in)
    others = ratios
    if population is not None and not population.inside.all():
        known = ~population.inside.all(axis=0)
        others = _log_ratios(population, a, use_in)[known]
    return np.searchsorted(np.sort(others), ratios - np.log(gamma), side="right") / len(others)


def _log_ratios(panel: Panel, a: float, use_in: bool) -> np.ndarray:
    """Of the target's confidence over what models give in the mean: (records,) float64."""
    sums, counts = np.zeros((2, len(panel))), np.zeros((2, len(panel)))
    for start in range(0, len(panel), _BLOCK):
        part = slice(start, start + _BLOCK)
        given = np.exp(np.asarray(panel.references[:, part], np.float64))
        inside = panel.inside[:, part].astype(np.float64)
        counts[1, part] = inside.sum(axis=0)
        counts[0, part] = len(given) - counts[1, part]
        sums[1, part] = np.einsum("mr,mr->r", given, inside)
        sums[0, part] = np.einsum("mr,mr->r", given, 1 - inside)
    p_out, p_in = sums / np.maximum(counts, 1)
    some = counts[0] > 0
    p_out[~some] = p_out[some].mean()
    corrected = a * p_out + 1 - a
    p_in = np.where(counts[1] > 0, p_in, corrected) if use_in else corrected
    return panel.target - np.log(np.maximum((p_out + p_in) / 2, _LEAST))
