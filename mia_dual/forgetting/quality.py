"""The forgetting quality of the NeurIPS 2023 competition on machine unlearning.

Triantafillou et al. 2024, Are We Making Progress in Unlearning? Findings from the First NeurIPS
Unlearning Competition (arXiv 2406.09073), with the attacks, the bins and the exceptions of the
organisers' code (google-deepmind/unlearning_evaluation, ``metric.py``). Of each record: the epsilon
of the best attack that tells models that deleted it from models that never saw it; then a mean of
points, which halve with every half of an epsilon. It is how well the best of many attacks did on
the models at hand, picked after the fact, so it is above 0 where nothing is left to find, the more
the fewer the models. So beside it stand what it would have been had deletions left nothing, and of
each record a bound that holds for models not at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

import numpy as np

from mia_dual.metrics.epsilon import epsilon_from_rates
from mia_dual.metrics.permutation import chance, permuted
from mia_dual.metrics.rates import Interval

DELTA = 1e-5
"""The competition's delta."""

BIN = 0.5
"""How much more epsilon halves a record's points."""

STEADY = 0.01
"""Where one side's scores range over less than this share of the other's, both are told apart."""

LEAST_MODELS = 2
"""Models a side that a record needs: fewer show no rate but 0 and 1, which do not count."""

DRAWS = 199
"""Draws of who deleted a record: the least p is .005."""

_INTERVALS_AT_ONCE = 1 << 18
"""Intervals of all records that are looked at in one go: 2 MB an array."""


@dataclass(frozen=True)
class ForgettingQuality:
    """Arrays are (records,) float64, NaN for records with fewer than :data:`LEAST_MODELS` models
    on either side.

    ``epsilon``: of the best attack; infinite where an attack makes no error. ``most``: the largest
    finite one that so many models can show, with one error a side: log(n - 1) for n models a side,
    so 1.9 for 8, 2.7 for 16 and 4.1 for 64. ``least``: what holds of models that are
    not at hand (see :func:`forgetting_quality`).

    ``value``: F, the mean of :func:`points`, 1 at best; None without a record that is known.
    ``expected``: what F would be on average had these models been told apart by chance alone,
    ``by_chance`` where the stated share of draws lies, and ``p`` how often F would be as low as it
    is.
    """

    epsilon: np.ndarray
    most: np.ndarray
    least: np.ndarray
    value: Optional[float]
    expected: Optional[float]
    by_chance: Optional[Interval]
    p: Optional[float]


def forgetting_quality(
    scores: np.ndarray,
    deleted: np.ndarray,
    rng: np.random.Generator,
    asked: Optional[np.ndarray] = None,
    delta: float = DELTA,
    draws: int = DRAWS,
    confidence: float = 0.95,
) -> ForgettingQuality:
    """Each record's epsilon and their aggregate; arrays as the package says.

    Two families of attacks, as in the competition. One threshold: models at or above it are of the
    side with the higher median. Two: models between them are of the side with the smaller range.
    Thresholds are all that part the scores at hand, where the organisers' code goes in steps of
    .01. Of an attack, epsilon is the larger of log((1 - delta - FPR) / FNR) and
    log((1 - delta - FNR) / FPR), and infinite where both rates are 0; attacks with one of them 0
    do not count, since models are too few to show it. Infinite too where one side hardly varies
    (:data:`STEADY`). The organisers cap it at 50, which has no points either.

    ``least`` looks at the m highest scores, and at the m lowest, m being how many models deleted
    the record, and takes :func:`mia_dual.metrics.epsilon_from_rates` of calling those deleted.
    Which models these are depends on all scores but not on who deleted, so nothing is picked after
    the fact. With 8 models a side it can show .32 at most, with 16 1.16, with
    32 1.92 and with 64 2.65.

    Simulated with 100 records, and targets whose own heights spread .3 times as far as a record's
    scores. Where nothing is left F is .17 with 16 targets and .12 with 32, not 1; ``by_chance``
    holds it in .95 of worlds, and ``p`` is .05 at most in .03 and .05 of them. Where a record that
    was deleted scores half a standard deviation higher F is .16 and .11, and ``p`` is so in .40 and
    .73 (.12 with 16 targets that spread as far as scores): it sees less than U-LiRA's pooled AUC.
    ``least`` is above 0 for .001 of records at most where nothing is left. Of randomised response
    with an epsilon of .5, 1 and 2 it was too high for .0005 of 2,000 records at most, and with an
    epsilon of 2 above 0 for .17 of records with 16 targets, .76 with 32 and all but a few with 64.
    """
    asked = np.ones(deleted.shape, bool) if asked is None else asked
    inside = deleted & asked
    sides = np.stack([inside.sum(axis=0), (asked & ~deleted).sum(axis=0)])
    known = sides.min(axis=0) >= LEAST_MODELS
    epsilon, most, least = (np.full(len(known), np.nan) for _ in range(3))
    if not known.any():
        return ForgettingQuality(epsilon, most, least, None, None, None, None)
    inside, chosen = inside[:, known], asked[:, known]
    values = np.where(chosen, scores[:, known], np.inf)
    found = _epsilons(values, inside, chosen, delta)
    epsilon[known], most[known] = found, _most(sides[0, known], sides[1, known], delta)
    for place, record in enumerate(np.flatnonzero(known)):
        on = chosen[:, place]
        least[record] = _least(values[on, place], inside[on, place], delta, confidence)
    drawn = np.array(
        [
            points(_epsilons(values, dealt, chosen, delta)).mean()
            for dealt in permuted(inside, chosen, draws, rng)
        ]
    )
    value = float(points(found).mean())
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    lower = float(chance(np.asarray(-value), -drawn))
    return ForgettingQuality(
        epsilon, most, least, value, float(drawn.mean()), (float(low), float(high)), lower
    )


def points(epsilon: np.ndarray) -> np.ndarray:
    """The competition's H of each record, in 0 .. 1: 1 below half an epsilon, half as much for
    each :data:`BIN` more, 0 for an infinite one.
    """
    return 2.0 ** -np.floor(epsilon / BIN)


def _epsilons(
    values: np.ndarray, inside: np.ndarray, asked: np.ndarray, delta: float
) -> np.ndarray:
    """(records,) float64 of (targets, records) each; ``values`` that are not asked are infinite."""
    targets, records = values.shape
    found = np.empty(records)
    step = max(1, _INTERVALS_AT_ONCE // (targets + 1) ** 2)
    for start in range(0, records, step):
        part = slice(start, start + step)
        found[part] = _epsilons_at_once(
            values[:, part].T, inside[:, part].T, asked[:, part].T, delta
        )
    return found


def _epsilons_at_once(
    values: np.ndarray, inside: np.ndarray, asked: np.ndarray, delta: float
) -> np.ndarray:
    """The same of (records, targets) each."""
    outside = asked & ~inside
    order = np.argsort(values, axis=1, kind="stable")
    rising = np.take_along_axis(values, order, axis=1)
    below = np.stack([_below(rising, side, order) for side in (inside, outside)])
    totals = below[:, :, -1]
    higher, narrower, steady = _shape(values, inside, outside)
    # Of one threshold: what is not below it.
    above = totals[:, :, None] - below
    single = _best(*_turned(above, higher), *_turned(totals[:, :, None], higher), delta)
    first, last = np.triu_indices(below.shape[2], 1)
    between = below[:, :, last] - below[:, :, first]
    double = _best(*_turned(between, narrower), *_turned(totals[:, :, None], narrower), delta)
    return np.where(steady, np.inf, np.maximum(single, double))


def _below(rising: np.ndarray, side: np.ndarray, order: np.ndarray) -> np.ndarray:
    """(records, targets + 1) int64: how many of ``side`` are below each place of ``rising``.

    A threshold between equal scores is one after them all.
    """
    targets = rising.shape[1]
    ends = np.broadcast_to(np.arange(1, targets + 1), rising.shape).copy()
    ends[:, :-1][rising[:, 1:] == rising[:, :-1]] = targets
    ends = np.minimum.accumulate(ends[:, ::-1], axis=1)[:, ::-1]
    counts = np.take_along_axis(side, order, axis=1).cumsum(axis=1)
    return np.pad(np.take_along_axis(counts, ends - 1, axis=1), ((0, 0), (1, 0)))


def _shape(
    values: np.ndarray, inside: np.ndarray, outside: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(records,) bool each: whether models that deleted have the higher median, whether they have
    the smaller range, and whether either side hardly varies against the other.
    """
    sides = [np.where(side, values, np.nan) for side in (inside, outside)]
    medians = [np.nanmedian(side, axis=1) for side in sides]
    ranges = np.stack([np.nanmax(side, axis=1) - np.nanmin(side, axis=1) for side in sides])
    steady = ranges.min(axis=0) < STEADY * ranges.max(axis=0)
    return medians[0] >= medians[1], ranges[0] < ranges[1], steady


def _turned(counts: np.ndarray, as_is: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both sides' ``counts`` (2, records, thresholds), the side that is called positive first."""
    one, other = counts
    return np.where(as_is[:, None], one, other), np.where(as_is[:, None], other, one)


def _best(
    found: np.ndarray, wrong: np.ndarray, positive: np.ndarray, negative: np.ndarray, delta: float
) -> np.ndarray:
    """(records,) float64, at least 0: epsilon of the best of the attacks (records, attacks) that
    call ``found`` of ``positive`` and ``wrong`` of ``negative`` models positive.
    """
    fnr, fpr = 1 - found / positive, wrong / negative
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.maximum((1 - delta - fpr) / fnr, (1 - delta - fnr) / fpr)
    missed = found < positive
    counts = missed & (wrong > 0)
    best = np.where(counts, ratios, 1.0).max(axis=1)
    perfect = (~missed & (wrong == 0)).any(axis=1)
    return np.where(perfect, np.inf, np.log(np.maximum(best, 1.0)))


def _most(inside: np.ndarray, outside: np.ndarray, delta: float) -> np.ndarray:
    """(records,) float64: epsilon of an attack with one error a side."""
    fnr, fpr = 1 / inside, 1 / outside
    largest = np.maximum((1 - delta - fpr) / fnr, (1 - delta - fnr) / fpr)
    return np.log(np.maximum(largest, 1.0))


def _least(values: np.ndarray, inside: np.ndarray, delta: float, confidence: float) -> float:
    rising = np.sort(values)
    count = int(inside.sum())
    accused = np.stack([values > rising[-count - 1], values < rising[count]])
    bound = epsilon_from_rates(inside, accused, delta, confidence)
    assert bound is not None
    return bound
