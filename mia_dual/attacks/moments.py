"""How a record's signal lies over the references that saw it, or over those that did not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mia_dual.attacks.panel import Panel

NEGLIGIBLE = 1e-12
"""A variance of a signal up to this is none: the rounding of float32 logits gives as much."""

_BLOCK = 512
"""Records summed over at a time: the models' values of so many stay in a core's cache."""


@dataclass(frozen=True)
class Moments:
    """Of one side, by record: how many references there are (``count``), the ``mean`` of what they
    say, and the sum of the ``squares`` of what they say less their mean: (records,) float64 each.

    A record without a reference on the side takes the mean over the other records' means, so that
    nothing is said of it but what is said of all; its squares are 0.
    """

    count: np.ndarray
    mean: np.ndarray
    squares: np.ndarray

    @property
    def centre(self) -> float:
        """The mean over records of their means."""
        return float(self.mean[self.count > 0].mean())

    @property
    def within(self) -> float:
        """The variance of a record's signal over references, pooled over records.

        Where no record has two references it cannot be known: that over records stands for it.
        It is 1 where neither is any, so that it can always be divided by.
        """
        spare = np.maximum(self.count - 1, 0).sum()
        pooled = float(self.squares.sum() / spare) if spare else 0.0
        for variance in (pooled, self.between):
            if variance > NEGLIGIBLE:
                return variance
        return 1.0

    @property
    def between(self) -> float:
        """The variance over records of their means."""
        return float(self.mean[self.count > 0].var())


def outside(panel: Panel) -> Moments:
    """Over the references that were not trained on the record (out).

    Raises ValueError where no record of the panel has any.
    """
    return moments_of(panel.references, ~panel.inside, "out")


def inside(panel: Panel) -> Moments:
    """Over the references that were trained on the record (in).

    Raises ValueError where no record of the panel has any.
    """
    return moments_of(panel.references, panel.inside, "in")


def moments_of(references: np.ndarray, chosen: np.ndarray, side: str) -> Moments:
    """Over those of ``references`` (references, records) that are ``chosen``, a mask of that shape.

    Raises ValueError, which names the ``side``, where no record has any.
    """
    # In two passes: the sum of squares less a square of sums would lose all digits where a signal
    # hardly varies.
    records = references.shape[1]
    count, mean, squares = np.zeros(records), np.zeros(records), np.zeros(records)
    for start in range(0, records, _BLOCK):
        part = slice(start, start + _BLOCK)
        values = np.asarray(references[:, part], np.float64)
        weights = chosen[:, part].astype(np.float64)
        count[part] = weights.sum(axis=0)
        sums = np.einsum("mr,mr->r", values, weights)
        mean[part] = sums / np.maximum(count[part], 1)
        apart = values - mean[part]
        squares[part] = np.einsum("mr,mr,mr->r", apart, apart, weights)
    some = count > 0
    if not some.any():
        raise ValueError(f"no record has a reference on the '{side}' side")
    mean[~some] = mean[some].mean()
    return Moments(count, mean, squares)
