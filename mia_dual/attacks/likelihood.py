"""Likelihood ratios of Gaussians by record: LiRA, and BaVarIA, which differ in the variance alone.

Each says how a record's signal lies over models that were trained on it (in) and over models that
were not (out), from what references say: a *law*. The online attack scores by the log of the
likelihood ratio of both laws at what the target says; the offline attack, for references that
never saw the record, by how far the target lies above the out law. The signal is
:func:`mia_dual.signals.log_odds`. Brännvall 2026 (arXiv 2603.11799) shows both, and RMIA and BASE
(:mod:`mia_dual.attacks.ratio`), to be one likelihood ratio of an exponential family, which differs
in how many parameters of a record are its own.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Optional

import numpy as np

from mia_dual.attacks.moments import NEGLIGIBLE, Moments, inside, outside
from mia_dual.attacks.panel import Panel

Variance = Literal["own", "pooled", "switch"]
Predictive = Literal["gaussian", "student"]

MANY = 32
"""From so many references a side on LiRA takes a record's own variance, and below that all records'
pooled: from 64 models half in and half out, in Carlini et al. 2022, section VI-B.
"""

PRIOR_MEANS = 0.1
"""What BaVarIA's prior of a record's mean weighs, in references. Little: records differ much more
from each other than references do about one (by ten times in variance, this says). The paper's code
has 1, which draws the means of the records that matter to the middle.
"""

PRIOR_VARIANCES = 4.0
"""What BaVarIA's prior of a record's variance weighs, in references."""


@dataclass(frozen=True)
class Side:
    """The laws of all records on one side: (records,) float64 each.

    Gaussians of ``mean`` and ``variance``, or, with degrees of ``freedom``, Student-t about
    ``mean`` with ``variance`` for the square of its scale.
    """

    mean: np.ndarray
    variance: np.ndarray
    freedom: Optional[np.ndarray] = None

    def log_density(self, signal: np.ndarray) -> np.ndarray:
        """The log of each record's density at its ``signal``, less log(2 pi) / 2."""
        squared = (signal - self.mean) ** 2 / self.variance
        if self.freedom is None:
            return -0.5 * (squared + np.log(self.variance))
        shape = -0.5 * (self.freedom + 1) * np.log1p(squared / self.freedom)
        return shape - 0.5 * np.log(self.variance) + _student_constant(self.freedom)

    def height(self, signal: np.ndarray) -> np.ndarray:
        """How far ``signal`` lies above the mean, in standard deviations of a Gaussian.

        It has the order of the law's distribution function, and never runs out of digits. Of a
        Student-t it is Wallace's approximation (1959, Annals of Mathematical Statistics 30,
        1124-1127) of the Gaussian deviate with as much below it.
        """
        deviate = (signal - self.mean) / np.sqrt(self.variance)
        if self.freedom is None:
            return deviate
        size = np.sqrt(self.freedom * np.log1p(deviate**2 / self.freedom))
        return np.sign(deviate) * size * (8 * self.freedom + 1) / (8 * self.freedom + 3)


Law = Callable[[Moments], Side]
"""From what references say to the laws of all records."""


def gaussian(moments: Moments, *, variance: Variance = "switch") -> Side:
    """LiRA's (Carlini et al. 2022, section IV-C): a Gaussian of the references' mean and variance.

    ``variance``: each record's ``own``; the same, ``pooled``, for all; or ``switch``: own where
    there are :data:`MANY` references on the side. Where its own is none (one reference, or all say
    the same) a record takes the pooled one. That is within records, each about its own mean: the
    paper takes it about the mean of all, which holds the spread between records too. A record
    without references takes the Gaussian of all records.
    """
    chosen = np.full(len(moments.mean), moments.within)
    if variance != "pooled":
        own = moments.squares / np.maximum(moments.count, 1)
        least = MANY if variance == "switch" else 2
        chosen = np.where((moments.count >= least) & (own > NEGLIGIBLE), own, chosen)
    unknown = moments.within + moments.between
    return Side(moments.mean, np.where(moments.count > 0, chosen, unknown))


def conjugate(moments: Moments, *, predictive: Predictive = "student") -> Side:
    """BaVarIA's (Brännvall 2026): what a normal-inverse-gamma prior and a record's references
    predict, which goes from the pooled to the record's own moments as references grow in number.

    The prior is about the mean over records of their means (it weighs :data:`PRIOR_MEANS`
    references) and the pooled variance (:data:`PRIOR_VARIANCES`). ``predictive``: the
    ``student``-t that follows (BaVarIA-t), or a ``gaussian`` of its mean and scale (BaVarIA-n).

    The pooled variance is within records, where the paper's code takes that over all records and
    references; and offline it compares with the prior as the in side, where :func:`offline` asks
    how far the target lies above the out side.
    """
    count = moments.count
    weight = PRIOR_MEANS + count
    mean = (PRIOR_MEANS * moments.centre + count * moments.mean) / weight
    shape = (PRIOR_VARIANCES + count) / 2
    strays = PRIOR_MEANS * count / weight * (moments.mean - moments.centre) ** 2
    scale = (PRIOR_VARIANCES * moments.within + moments.squares + strays) / 2
    variance = scale / shape * (1 + 1 / weight)
    return Side(mean, variance, 2 * shape if predictive == "student" else None)


def online(panel: Panel, population: Optional[Panel] = None, *, law: Law) -> np.ndarray:
    """The log of the likelihood ratio, in over out; ``population`` is not looked at.

    Raises ValueError where no record has a reference that was trained on it, or none has one
    that was not.
    """
    ins, outs = law(inside(panel)), law(outside(panel))
    return ins.log_density(panel.target) - outs.log_density(panel.target)


def offline(panel: Panel, population: Optional[Panel] = None, *, law: Law) -> np.ndarray:
    """How far the target lies above what models say that never saw the record: a one-sided test
    (Carlini et al. 2022, equation 4); ``population`` is not looked at.

    Raises ValueError where each record is in all references.
    """
    return law(outside(panel)).height(panel.target)


def _student_constant(freedom: np.ndarray) -> np.ndarray:
    # Freedoms are counts of references and a constant: few different ones.
    kinds, kind = np.unique(freedom, return_inverse=True)
    constants = [
        math.lgamma((each + 1) / 2) - math.lgamma(each / 2) - 0.5 * math.log(each / 2)
        for each in kinds.tolist()
    ]
    return np.asarray(constants)[kind].reshape(freedom.shape)
