"""PMIA (Du et al. 2026, NDSS; arXiv 2511.04716, 2507.21412): a likelihood ratio whose in side is
that of other records, for an attacker whose references were never trained on the audited records.
"""

from __future__ import annotations

from typing import Optional

import numpy as np

from mia_dual.attacks.likelihood import Law
from mia_dual.attacks.moments import Moments, inside, outside
from mia_dual.attacks.panel import Panel

PROXIES = 32


def pmia(
    panel: Panel, population: Optional[Panel], *, law: Law, proxies: int = PROXIES
) -> np.ndarray:
    """The log of the likelihood ratio of ``law``, the in side taken from proxies.

    A record's out side is what references say of it that were not trained on it, as in LiRA. Its
    proxies are up to ``proxies`` records of the ``population`` with its label that references were
    trained on: those next to it, half above and half below, in the mean of what references say
    that were not trained on them. (The authors take all of a class, or what is alike as an image;
    ours are alike to the models, which needs no more than their answers.) The in side is the law
    of all that references say of the proxies they were trained on, taken as one sample. A label
    without proxies takes those of all labels. The signal is :func:`mia_dual.signals.log_odds`.

    Raises ValueError where the population has no record that a reference was trained on or none
    that a reference was not, or each record of the panel is in all references.
    """
    if population is None:
        raise ValueError("there is no population to take proxies from")
    outs, ins, places = outside(panel), inside(population), outside(population).mean
    known = ins.count > 0
    count, mean, squares = (np.empty(len(panel)) for _ in range(3))
    for label in np.unique(panel.labels):
        asked = panel.labels == label
        same = np.flatnonzero(known & (population.labels == label))
        if not len(same):
            same = np.flatnonzero(known)
        near = _near(outs.mean[asked], places[same], proxies)
        count[asked], mean[asked], squares[asked] = _together(ins, same[near])
    of_proxies = law(Moments(count, mean, squares))
    return of_proxies.log_density(panel.target) - law(outs).log_density(panel.target)


def _near(wanted: np.ndarray, places: np.ndarray, most: int) -> np.ndarray:
    """Of each wanted place the ``places`` around it: (wanted, up to ``most``) indices."""
    order = np.argsort(places)
    taken = min(most, len(places))
    first = np.searchsorted(places[order], wanted) - taken // 2
    first = np.clip(first, 0, len(places) - taken)
    return order[first[:, None] + np.arange(taken)]


def _together(moments: Moments, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count, mean and squares of each row of records, (rows, records), as one sample."""
    each, means = moments.count[groups], moments.mean[groups]
    count = each.sum(axis=1)
    mean = (each * means).sum(axis=1) / count
    strays = each * (means - mean[:, None]) ** 2
    return count, mean, (moments.squares[groups] + strays).sum(axis=1)
