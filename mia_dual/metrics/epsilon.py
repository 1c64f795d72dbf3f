"""Lower bounds of a target's epsilon: how far it is from private, shown by an attack that worked.

Both bounds compare a record that is in with one that is out *in its place*: members are a subset of
fixed size, so where one is in another is out. Epsilon is that of replacing a record, at most twice
that of adding or removing one. A bound tells what this attack showed; no bound tells of safety.

:func:`epsilon_from_rates` takes each accusation for a trial of its own. That is exact where each
record is asked of its own model; records of one target share its training, so over one target the
stated confidence holds as far as records do not sway each other's accusations (the usual reading,
after Jagielski et al. 2020 and Nasr et al. 2021, and the reason for the other).

:func:`epsilon_from_one_run` needs nothing of the kind. Its theorem (Steinke, Nasr and Jagielski
2023, Privacy Auditing with One (1) Training Run) asks for records that were each let in by a fair
coin of its own, which members cut from a permutation are not: who knows all others knows the last.
Pairs mend that. Match members with non-members at random, and tell of each pair only who the two
are: all orientations of the pairs are then equally likely, whatever the cut, so which of the two is
in *is* a fair coin of its own, and the theorem holds for the pairs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Optional

import numpy as np

from mia_dual.metrics.ranking import tolerated
from mia_dual.metrics.rates import clopper_pearson

SHARES_GUESSED = (1.0, 0.3, 0.1, 0.03, 0.01)
"""Shares of the pairs that are guessed, the surest first: all, where little is shown of each
record; few, where much is shown of a few."""

HIGHEST = 64.0
"""No bound is looked for above: e^64 would take more records than there are."""


def epsilon_from_rates(
    membership: np.ndarray, accused: np.ndarray, delta: float = 0.0, confidence: float = 0.95
) -> Optional[float]:
    """The epsilon that accusations show, at least; 0 where they show nothing.

    ``membership`` is (records,) bool, ``accused`` (records,) bool or (thresholds, records): the
    decisions of thresholds that were fixed without a look at these records' memberships. They
    share the error (Bonferroni), so more of them cost a little each.

    With (epsilon, delta)-privacy no accusation has TPR > e^epsilon FPR + delta, nor TNR > e^epsilon
    FNR + delta (Kairouz et al. 2015, The Composition Theorem for Differential Privacy). The bound
    puts the ends of Clopper-Pearson's intervals for TPR and FPR in their place, each with half of
    the error; both directions read the same two ends, so looking both ways costs nothing. None
    where either side is empty.
    """
    inside = int(membership.sum())
    outside = len(membership) - inside
    if not inside or not outside:
        return None
    decisions = np.atleast_2d(accused)
    each = 1 - (1 - confidence) / max(len(decisions), 1)
    bounds = [0.0]
    for decision in decisions:
        found, wrong = int(decision[membership].sum()), int(decision[~membership].sum())
        inner, outer = clopper_pearson(found, inside, each), clopper_pearson(wrong, outside, each)
        assert inner is not None
        assert outer is not None
        tpr, fpr = inner[0], outer[1]
        bounds += [_log_ratio(tpr - delta, fpr), _log_ratio(1 - fpr - delta, 1 - tpr)]
    return max(bounds)


def epsilon_from_one_run(
    membership: np.ndarray,
    scores: np.ndarray,
    rng: np.random.Generator,
    delta: float = 0.0,
    confidence: float = 0.95,
    shares: Sequence[float] = SHARES_GUESSED,
) -> Optional[float]:
    """The epsilon that one target's scores show, at least; 0 where they show nothing.

    ``membership`` (records,) bool must be a uniformly random subset of these records, of whatever
    size, and ``scores`` (records,) float must come of it through the target alone: references,
    thresholds and attack models may be anything that knows nothing of this draw. So it does not
    hold for memberships that a user gives, for non-members out of another file, or where another
    target's members tell this one's (each record in exactly half of the targets); nor may pairs
    of several targets be thrown together where these are references for each other.

    Members and non-members are matched at random, drawn from ``rng``; of a pair the higher score is
    guessed to be in, ties are passed over. Of m pairs the r whose scores differ most are guessed
    and v are right. With (epsilon, delta)-privacy v is at least that large with a probability of no
    more than p (Steinke et al. 2023, corollary 5.4; B binomial, of r trials that succeed with
    e^epsilon / (1 + e^epsilon))::

        p = P(B >= v) + 2 m delta max over i in 1..v of P(v > B >= v - i) / i

    ``shares`` of the pairs say how many are guessed, and share the error. None where either side
    is empty.
    """
    inside, outside = np.flatnonzero(membership), np.flatnonzero(~membership)
    pairs = min(len(inside), len(outside))
    if not pairs:
        return None
    taken = (rng.permutation(side)[:pairs] for side in (inside, outside))
    members, non_members = (scores[side] for side in taken)
    right = members > non_members
    with np.errstate(invalid="ignore"):
        apart = np.where(members == non_members, 0.0, np.abs(members - non_members))
    surest = np.argsort(-apart, kind="stable")[: int((apart > 0).sum())]
    error = (1 - confidence) / max(len(shares), 1)
    bounds = [0.0]
    for share in shares:
        guesses = min(tolerated(pairs, share) or 0, len(surest))
        if guesses:
            correct = int(right[surest[:guesses]].sum())
            bounds.append(_refuted(pairs, guesses, correct, delta, error))
    return max(bounds)


def one_run_chance(pairs: int, guesses: int, correct: int, epsilon: float, delta: float) -> float:
    """The p of :func:`epsilon_from_one_run`: how likely ``correct`` of ``guesses`` are at most."""
    from scipy.special import bdtr, bdtrc, expit

    rate = expit(epsilon)
    # bdtrc(k, n, p) is P(B > k).
    chance = float(bdtrc(correct - 1, guesses, rate)) if correct else 1.0
    if delta and correct:
        reach = np.arange(1, correct + 1)
        below = bdtr(correct - 1.0, guesses, rate)
        further = np.where(
            reach < correct, bdtr(np.maximum(correct - 1.0 - reach, 0), guesses, rate), 0.0
        )
        chance += 2 * pairs * delta * float(((below - further) / reach).max())
    return min(chance, 1.0)


def _refuted(pairs: int, guesses: int, correct: int, delta: float, error: float) -> float:
    """The largest epsilon under which so many correct guesses are no likelier than ``error``."""
    if one_run_chance(pairs, guesses, correct, 0.0, delta) > error:
        return 0.0
    low, high = 0.0, HIGHEST
    for _ in range(50):
        middle = (low + high) / 2
        if one_run_chance(pairs, guesses, correct, middle, delta) <= error:
            low = middle
        else:
            high = middle
    return low


def _log_ratio(above: float, below: float) -> float:
    """At least 0: what is not above shows nothing. ``below`` is the end of an interval, never 0."""
    return math.log(above / below) if above > below > 0 else 0.0
