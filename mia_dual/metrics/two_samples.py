"""Whether the scores of two kinds of pairs have one distribution, over several targets."""

from __future__ import annotations

from typing import Literal, NamedTuple, Optional

import numpy as np

from mia_dual.metrics.permutation import chance, permuted_together

DRAWS = 999
"""Draws of memberships: the least p is .001."""


class KolmogorovSmirnov(NamedTuple):
    """How far apart two distributions of scores are: ``statistic``, in 0 .. 1, the largest
    difference of their cumulative shares, ``where`` the score at which it is, and its ``p``.

    ``how`` says what p supposes: ``permuted`` that each record's memberships were dealt out at
    random among its targets, ``unrelated`` that no two pairs have anything to do with each other.
    """

    statistic: float
    where: float
    p: float
    how: Literal["permuted", "unrelated"]


def kolmogorov_smirnov(
    membership: np.ndarray,
    scores: np.ndarray,
    rng: np.random.Generator,
    asked: Optional[np.ndarray] = None,
    draws: int = DRAWS,
) -> Optional[KolmogorovSmirnov]:
    """The two-sample Kolmogorov-Smirnov test between members' and non-members' scores, two-sided.

    ``membership`` is (targets, records) bool, ``scores`` (targets, records) float, a record in the
    same column throughout; ``asked`` (targets, records) bool says which pairs count, all where it
    is None. Or a membership of another kind: who deleted the record, against who never saw it.

    A record comes once a target and scores alike in all of them, so pairs are not independent. So
    p comes of ``draws`` memberships dealt out anew within each record (see
    :mod:`mia_dual.metrics.permutation`), and holds where each record's memberships were drawn apart
    from the others' and scores did not look at them: not where a target took all of these records
    or none, nor for scores by references that are other targets. Where no record is on both sides,
    as with one target, memberships are dealt out anew among all pairs. None where either side has
    no pairs.

    Where records lie further apart than their members do from their non-members the test is weak:
    give it :func:`about_own_mean` of the scores then, which knows nothing of memberships either.

    Simulated with 100 records, 3 times as far apart as a record's own scores, and 16 or 32 targets,
    p is .05 at most in .04 to .06 of worlds where members score like the rest. Where they score
    half a standard deviation of a record's own higher it is in .97 of worlds, and in all with their
    own means taken off; a fifth higher, in .49 and .59 (16 and 32 targets), and in .90 and 1.00.
    """
    asked = np.ones(membership.shape, bool) if asked is None else asked
    inside = membership & asked
    members, others = int(inside.sum()), int((asked & ~membership).sum())
    if not members or not others:
        return None
    order = np.argsort(scores[asked], kind="stable")
    rising = scores[asked][order]
    # Scores that are equal are passed all at once.
    ends = np.append(np.flatnonzero(rising[1:] != rising[:-1]), len(rising) - 1)
    # Counts, so that equal differences are equal.
    steps = np.where(inside[asked][order], others, -members).cumsum()[ends]
    furthest = int(np.abs(steps).argmax())
    statistic = abs(int(steps[furthest])) / (members * others)
    where = float(rising[ends[furthest]])
    related = bool((inside.any(axis=0) & (asked & ~membership).any(axis=0)).any())
    if not related:
        # All pairs as if they were of one record.
        membership, asked = membership[asked][:, None], np.ones((members + others, 1), bool)
    drawn = []
    for dealt in permuted_together(membership, asked, draws, rng):
        steps_of = np.where(dealt[:, asked][:, order], others, -members).cumsum(axis=1)[:, ends]
        drawn.append(np.abs(steps_of).max(axis=1))
    p = float(chance(np.abs(steps[furthest]), np.concatenate(drawn)))
    return KolmogorovSmirnov(statistic, where, p, "permuted" if related else "unrelated")


def about_own_mean(scores: np.ndarray, asked: Optional[np.ndarray] = None) -> np.ndarray:
    """Each score less the mean of its record's over the targets asked: (targets, records) float64.

    0 where a pair is not asked. Needs two targets to say anything.
    """
    asked = np.ones(scores.shape, bool) if asked is None else asked
    chosen = np.where(asked, scores, 0.0)
    means = chosen.sum(axis=0) / np.maximum(asked.sum(axis=0), 1)
    return np.where(asked, chosen - means, 0.0)
