"""Who stands next to deleted records: what deleting them may tell of others."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mia_dual.plan.typicality import flat, units

DISTANCES_AT_ONCE = 1 << 22
"""Pairs of records whose distances are held at a time: 32 MB."""


@dataclass(frozen=True)
class Neighbours:
    """``near``: the nearest retained records of deleted ones; ``control``: as many retained ones of
    each of their classes that are not, fewer where there are no more. Sorted record indices, int64.
    """

    near: np.ndarray
    control: np.ndarray


def nearest_retained(
    features: np.ndarray,
    labels: np.ndarray,
    members: np.ndarray,
    deleted: np.ndarray,
    count: int,
    rng: np.random.Generator,
) -> Neighbours:
    """The ``count`` nearest retained records of each deleted one, among those of its label.

    ``features`` (records, ...) and ``labels`` (records,) are those of all records; ``members``
    (record indices) those before the deletion, ``deleted`` among them. The distance is Euclidean,
    pixels as they are and other features in standard deviations of the members
    (:func:`mia_dual.plan.typicality.units`); of records equally far the first is the nearer. All
    retained ones of a label are near where there are fewer than ``count``. ``rng`` draws the
    control.
    """
    retained = np.setdiff1d(members, deleted)
    unit = units(features, members)
    near, control = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for label in np.unique(labels[deleted]):
        asked = deleted[labels[deleted] == label]
        others = retained[labels[retained] == label]
        places = _nearest(flat(features, asked) / unit, flat(features, others) / unit, count)
        near.append(others[places])
        left = np.delete(others, places)
        control.append(rng.choice(left, min(len(places), len(left)), replace=False))
    return Neighbours(np.sort(np.concatenate(near)), np.sort(np.concatenate(control)))


def _nearest(asked: np.ndarray, others: np.ndarray, count: int) -> np.ndarray:
    """Which of ``others`` (n, numbers) are among the ``count`` nearest of any of ``asked``."""
    exact = others.astype(np.float64)
    # Less the asked record's own square, which moves no order.
    squares = np.einsum("ij,ij->i", exact, exact)
    found = np.zeros(len(others), bool)
    step = max(1, DISTANCES_AT_ONCE // max(1, len(others)))
    for start in range(0, len(asked), step):
        far = squares - 2 * (asked[start : start + step].astype(np.float64) @ exact.T)
        found |= _least(far, count).any(axis=0)
    return np.flatnonzero(found)


def _least(values: np.ndarray, count: int) -> np.ndarray:
    """Which are among the ``count`` least of their row, the first of equals: bool of that shape."""
    if values.shape[1] <= count:
        return np.ones(values.shape, bool)
    last = np.partition(values, count - 1, axis=1)[:, count - 1 : count]
    below, tied = values < last, values == last
    left = count - below.sum(axis=1, keepdims=True)
    return np.asarray(below | (tied & (tied.cumsum(axis=1) <= left)))
