"""PMIA (Du et al. 2026, NDSS; arXiv 2507.21412): a likelihood ratio whose in side is that of other
records, for an attacker whose references were never trained on the audited records.
"""

from __future__ import annotations

from typing import Optional

import numpy as np

from mia_dual.attacks.likelihood import Law
from mia_dual.attacks.moments import Moments, inside, outside
from mia_dual.attacks.panel import Panel

PROXIES = 32


def pmia(
    panel: Panel, population: Optional[Panel] = None, *, law: Law, proxies: int = PROXIES
) -> np.ndarray:
    """The log of the likelihood ratio of ``law``, the in side taken from proxies.

    A record's out side is what references say of it that were not trained on it, as in LiRA. Its
    proxies are up to ``proxies`` records of the ``population`` with its label that references were
    trained on: those next to it, half above and half below, in the mean of what references say
    that were not trained on them. (The paper takes all of a class, or what is alike as an image;
    ours are alike to the models, which needs no more than their answers.) The in side is the law
    of all that references say of the proxies they were trained on, taken as one sample. A label
    without proxies takes those of all labels. Where references were trained on none of the
    population, the panel's own records are the proxies. The signal is
    :func:`mia_dual.signals.log_odds`.

    Raises ValueError where references were trained on none of these either, or where all
    references were trained on all of the panel or all of the proxies.
    """
    others = panel if population is None or not population.inside.any() else population
    outs, ins, places = outside(panel), inside(others), outside(others).mean
    known = ins.count > 0
    count, mean, squares = (np.empty(len(panel)) for _ in range(3))
    for label in np.unique(panel.labels):
        asked = panel.labels == label
        same = np.flatnonzero(known & (others.labels == label))
        if not len(same):
            same = np.flatnonzero(known)
        # What records say of themselves settles their order, not the order they come in.
        same = same[np.lexsort((ins.squares[same], ins.mean[same], places[same]))]
        near = same[_around(outs.mean[asked], places[same], proxies)]
        count[asked], mean[asked], squares[asked] = _together(ins, near)
    of_proxies = law(Moments(count, mean, squares))
    return of_proxies.log_density(panel.target) - law(outs).log_density(panel.target)


def _around(wanted: np.ndarray, places: np.ndarray, most: int) -> np.ndarray:
    """Indices of the ascending ``places`` around each wanted: (wanted, up to ``most``)."""
    taken = min(most, len(places))
    first = np.searchsorted(places, wanted) - taken // 2
    first = np.clip(first, 0, len(places) - taken)
    return first[:, None] + np.arange(taken)


def _together(moments: Moments, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Count, mean and squares of each row of records, (rows, records), as one sample."""
    each, means = moments.count[groups], moments.mean[groups]
    count = each.sum(axis=1)
    mean = (each * means).sum(axis=1) / count
    strays = each * (means - mean[:, None]) ** 2
    return count, mean, (moments.squares[groups] + strays).sum(axis=1)
