"""U-LiRA: is it told of a record, by models of its own, whether the target deleted or never saw it.

Hayes et al. 2024, Inexact Unlearning Needs More Careful Evaluations to Avoid a False Sense of
Privacy (arXiv 2403.01218): LiRA, with models that saw the record and deleted it on one side and
models that never saw it on the other. Here the targets are each other's references: what one says
is weighed by laws of what all others say of the same record, so none helps to judge itself (the
variance that laws pool over all records is one number, which each pair is a small part of).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Optional

import numpy as np

from mia_dual.attacks.likelihood import Law, Side, conjugate
from mia_dual.attacks.moments import Moments, moments_of
from mia_dual.metrics.permutation import chance, permuted
from mia_dual.metrics.rates import Interval, clopper_pearson
from mia_dual.metrics.repeated import Estimate, pooled_figures

LEAST_MODELS = 2
"""Models a side that a record needs: one to judge, and one more to judge it by."""

WORTH = 2 / 3
"""Trials of its own that a decision about one record counts as; the most that covers."""

DRAWS = 499
"""Draws of who deleted a record: the least p is .002."""

_PAIRS_AT_ONCE = 1 << 18
"""Pairs of models that are looked at in one go: 2 MB an array."""


@dataclass(frozen=True)
class ULira:
    """What tells of each record; arrays are (records,), counts int64, others float64.

    ``deleted_by`` and ``unseen_by``: models that deleted it, and that never saw it. The rest is
    NaN, and ``right`` 0, for records with fewer than :data:`LEAST_MODELS` on either side.

    ``scores``: (targets, records), of each pair the log of the likelihood ratio, deleted over
    never seen; NaN where it is not asked. ``right``: of how many models it is rightly told, those
    that score above 0 being told to have deleted it. ``auc``: how often, of a model that deleted
    it and one that never saw it, both left out of the laws, the one that did scores higher.
    ``p``: how often chance gives as much evidence as there is, evidence being the mean of the
    scores of models that deleted it less that of those that never saw it.

    ``pooled``: AUC and TPRs of all pairs thrown together (see
    :func:`mia_dual.metrics.repeated.pooled_figures`).
    """

    deleted_by: np.ndarray
    unseen_by: np.ndarray
    scores: np.ndarray
    right: np.ndarray
    auc: np.ndarray
    p: np.ndarray
    pooled: dict[str, Estimate]

    @property
    def known(self) -> np.ndarray:
        """(records,) bool: those that anything is told of."""
        few: np.ndarray = np.minimum(self.deleted_by, self.unseen_by) < LEAST_MODELS
        return ~few

    @property
    def accuracy(self) -> np.ndarray:
        """(records,) float64: the share of its models that it is rightly told of."""
        models = np.where(self.known, self.deleted_by + self.unseen_by, 1)
        return np.where(self.known, self.right / models, np.nan)

    def accuracy_interval(self, record: int, confidence: float = 0.95) -> Optional[Interval]:
        """Of the accuracy on one record; None where that is not known.

        Clopper and Pearson's, of :data:`WORTH` as many models: they are judged by laws that they
        share, so they are no trials of their own. Of all of them it holds the truth in .87 to .93
        of records, so in .94 to .97 (simulated as in :func:`u_lira`).
        """
        if not self.known[record]:
            return None
        models = WORTH * int(self.deleted_by[record] + self.unseen_by[record])
        return clopper_pearson(round(WORTH * int(self.right[record])), round(models), confidence)


def u_lira(
    scores: np.ndarray,
    deleted: np.ndarray,
    rates: Sequence[float],
    rng: np.random.Generator,
    asked: Optional[np.ndarray] = None,
    law: Law = conjugate,
    draws: int = DRAWS,
) -> ULira:
    """Each record told from its own models; arrays as the package says.

    ``scores`` should be near Gaussian over the models of a record:
    :func:`mia_dual.signals.log_odds`. ``rates``: of false positives, for the pooled TPRs. ``law``:
    the paper's is :func:`mia_dual.attacks.likelihood.gaussian` with ``variance="own"``; few models
    tell little of a record's own variance, so that by default it begins at the pooled one.

    Simulated with 100 records and targets whose own heights spread .3 or 1 times as far as a
    record's scores. Where nothing is left, ``p`` is .05 at most for .045 to .052 of records, and
    the interval of the pooled AUC, .08 wide with 16 targets and .06 with 32, holds a half in .92
    to .97 of worlds. Where a record that was deleted scores half a standard deviation higher, that
    AUC is .58 or .54 with 16 targets (the second where targets spread as far), and a half is left
    out in .97 or .47 of worlds; with 32 it is .60 or .56, and left out in 1.00 or .98. Of single
    records so few models say little: ``p`` is .05 at most for .13 or .09 of them with 16 targets
    and .21 or .14 with 32, and for .40 or .23 and .68 or .42 where they score a whole one higher.
    """
    asked = np.ones(deleted.shape, bool) if asked is None else asked
    inside = deleted & asked
    deleted_by, unseen_by = inside.sum(axis=0), (asked & ~deleted).sum(axis=0)
    known = np.minimum(deleted_by, unseen_by) >= LEAST_MODELS
    records = len(known)
    ratios = np.full(deleted.shape, np.nan)
    right = np.zeros(records, np.int64)
    auc, p = np.full(records, np.nan), np.full(records, np.nan)
    if known.any():
        chosen = asked[:, known]
        values = np.where(chosen, scores[:, known], 0.0)
        laws = _Laws.of(values, inside[:, known], chosen, law)
        told = laws.ratios(values)
        right[known] = (((told > 0) == inside[:, known]) & chosen).sum(axis=0)
        auc[known] = laws.auc_of_pairs(values)
        drawn = np.array(
            [
                _evidence(_Laws.of(values, dealt, chosen, law).ratios(values), dealt, chosen)
                for dealt in permuted(inside[:, known], chosen, draws, rng)
            ]
        )
        p[known] = chance(_evidence(told, inside[:, known], chosen), drawn)
        ratios[:, known] = np.where(chosen, told, np.nan)
    pooled = pooled_figures(deleted, ratios, rates, rng, asked & known)
    return ULira(deleted_by, unseen_by, ratios, right, auc, p, pooled)


@dataclass(frozen=True)
class _Laws:
    """Of each target and record, the laws of both sides without what that target says."""

    inside: np.ndarray
    outside: np.ndarray
    deleted: Side
    unseen: Side

    @staticmethod
    def of(values: np.ndarray, inside: np.ndarray, asked: np.ndarray, law: Law) -> _Laws:
        outside = asked & ~inside
        sides = (_law_of_others(values, chosen, law) for chosen in (inside, outside))
        return _Laws(inside, outside, *sides)

    def ratios(self, values: np.ndarray) -> np.ndarray:
        """(targets, records) float64: the log of the likelihood ratio, deleted over never seen."""
        return self.deleted.log_density(values) - self.unseen.log_density(values)

    def auc_of_pairs(self, values: np.ndarray) -> np.ndarray:
        """(records,) float64: how often a model that deleted outscores one that never saw.

        Each pair is judged by laws without both. Laws without one of them would lean away from
        what is left out, and where nothing is told the AUC would fall below a half (Airola et al.
        2011, Computational Statistics and Data Analysis 55, 1828-1844).
        """
        targets, records = values.shape
        won = np.empty(records)
        step = max(1, _PAIRS_AT_ONCE // targets**2)
        for start in range(0, records, step):
            part = slice(start, start + step)
            deleted = _part(self.deleted, part, (slice(None), None))
            unseen = _part(self.unseen, part, (None, slice(None)))
            first, second = values[:, None, part], values[None, :, part]
            ahead = (
                deleted.log_density(first)
                - unseen.log_density(first)
                - deleted.log_density(second)
                + unseen.log_density(second)
            )
            pairs = self.inside[:, None, part] & self.outside[None, :, part]
            wins = np.where(ahead == 0, 0.5, ahead > 0)
            won[part] = (wins * pairs).sum(axis=(0, 1)) / pairs.sum(axis=(0, 1))
        return won


def _law_of_others(values: np.ndarray, chosen: np.ndarray, law: Law) -> Side:
    """The side's law of each record without each target in turn: (targets, records) float64.

    One more value moves the mean by its distance over the count, and adds to the squares n / (n-1)
    of that squared; so it is taken back.
    """
    every = moments_of(values, chosen, "deleted or unseen")
    count = every.count - chosen
    apart = np.where(chosen, values - every.mean, 0.0)
    moved = apart / np.maximum(count, 1)
    squares = np.maximum(every.squares - apart * (apart + moved), 0.0)
    found = law(Moments(count.ravel(), (every.mean - moved).ravel(), squares.ravel()))
    return Side(
        found.mean.reshape(values.shape),
        found.variance.reshape(values.shape),
        None if found.freedom is None else found.freedom.reshape(values.shape),
    )


def _part(side: Side, records: slice, targets: tuple[Optional[slice], Optional[slice]]) -> Side:
    """The laws of some ``records``, with an axis more where ``targets`` has None."""
    chosen = (*targets, records)
    freedom = None if side.freedom is None else side.freedom[chosen]
    return Side(side.mean[chosen], side.variance[chosen], freedom)


def _evidence(ratios: np.ndarray, inside: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """(records,) float64: the mean ratio of models that deleted, less that of the others."""
    outside = asked & ~inside
    means = [(ratios * side).sum(axis=0) / side.sum(axis=0) for side in (inside, outside)]
    return means[0] - means[1]
