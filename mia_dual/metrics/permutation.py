"""Who might have been a member as well: memberships drawn again within each record.

Where scores know nothing of memberships, all ways to deal a record's memberships out among its
targets are equally likely, whatever makes one record or one target score higher than another.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

PAIRS_AT_ONCE = 1 << 16
"""Pairs of all draws that are dealt out in one go: half a MB an array, which stays in the cache."""


def permuted(
    membership: np.ndarray, asked: np.ndarray, draws: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """``draws`` memberships (targets, records) bool, each record's dealt out anew among its pairs;
    see :func:`permuted_together`.
    """
    for dealt in permuted_together(membership, asked, draws, rng):
        yield from dealt


def permuted_together(
    membership: np.ndarray, asked: np.ndarray, draws: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """``draws`` memberships as (some of the draws, targets, records) bool, each record's dealt out
    anew among its pairs.

    ``membership`` and ``asked`` are (targets, records) bool. A record is a member of as many of
    the targets that are ``asked`` about it as before; pairs that are not asked are False.

    Columns are dealt out apart from each other: memberships were drawn so where each record had a
    coin of its own. Where each target took a fixed number of these records the draws spread a
    target's own height further than the design did, which makes a test cautious: where targets
    differed as much as a record's own scores, p was .05 at most in .01 to .035 of worlds.
    """
    first = np.arange(len(asked))[:, None] < (membership & asked).sum(axis=0)
    step = max(1, PAIRS_AT_ONCE // max(asked.size, 1))
    for start in range(0, draws, step):
        shape = (min(step, draws - start), *asked.shape)
        keys = np.where(asked, rng.random(shape), 2.0)
        dealt = np.zeros(shape, bool)
        np.put_along_axis(dealt, keys.argsort(axis=1), first[None], axis=1)
        yield dealt


def chance(found: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """How often chance alone gives as much: a valid p of ``found`` (...), given ``drawn``
    (draws, ...), what memberships that were drawn again gave.

    The memberships that were found count as one draw more, so p is never 0 (Phipson and Smyth
    2010, Statistical Applications in Genetics and Molecular Biology 9, 39).
    """
    # Sums in another order differ by rounding.
    reached = drawn >= found - 1e-9 * np.maximum(np.abs(found), 1)
    return (1 + reached.sum(axis=0)) / (1 + len(drawn))
