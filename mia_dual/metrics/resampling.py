"""Differences of figures that have no simple variance: a bootstrap over records.

Members and non-members are drawn again apart, each as many as there are, with replacement (Efron
and Tibshirani 1993, chapters 8 and 13). Figures of the same records see the same draws.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Optional

import numpy as np

from mia_dual.metrics.ranking import tolerated

DRAWS = 1000

WEIGHTS_AT_ONCE = 1 << 22
"""Draws times records that are looked at in one go: 32 MB."""


@dataclass(frozen=True)
class Sample:
    """``membership`` (records,) bool, ``scores`` (records,) and ``accused`` (records,) bool."""

    membership: np.ndarray
    scores: np.ndarray
    accused: np.ndarray


def resampled_intervals(
    first: Sample,
    second: Sample,
    rates: Sequence[float],
    rng: np.random.Generator,
    paired: bool,
    confidence: float = 0.95,
) -> dict[str, Optional[tuple[float, float]]]:
    """Percentile intervals of the second's figures less the first's.

    Keys: ``precision``, ``f1``, and ``tpr@<rate>`` for each of ``rates`` of false positives. Where
    ``paired``, both samples are of the same records in the same order. None where no draw gives
    the figure for both; draws that lack it for one (nobody accused) do not count. For rates that
    few non-members are behind a percentile interval is too short, and steps.
    """
    parts: dict[str, list[np.ndarray]] = {}
    for weights in _draws(first, second, rng, paired):
        one, other = (
            _figures(sample, weight, rates) for sample, weight in zip((first, second), weights)
        )
        for name, found in other.items():
            parts.setdefault(name, []).append(found - one[name])
    return {name: _percentiles(np.concatenate(part), confidence) for name, part in parts.items()}


def _draws(
    first: Sample, second: Sample, rng: np.random.Generator, paired: bool
) -> Iterator[tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]]:
    """For each sample how often each member, and each non-member, is drawn: (draws, records)."""
    most = max(len(first.membership), len(second.membership), 1)
    each = max(1, min(DRAWS, WEIGHTS_AT_ONCE // most))
    for start in range(0, DRAWS, each):
        size = min(each, DRAWS - start)
        one = _weights(first, size, rng)
        yield one, one if paired else _weights(second, size, rng)


def _weights(sample: Sample, size: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    inside = int(sample.membership.sum())
    outside = len(sample.membership) - inside
    return multiplicities(inside, size, rng), multiplicities(outside, size, rng)


def multiplicities(count: int, size: int, rng: np.random.Generator) -> np.ndarray:
    """How often each of ``count`` is drawn when as many are drawn: (size, count) int64, a draw a
    row.
    """
    if not count:
        return np.zeros((size, 0), np.int64)
    # Counting draws is several times as fast as drawing counts; each draw has numbers of its own,
    # so that one count tells all of them.
    drawn = rng.integers(count, size=(size, count)) + count * np.arange(size)[:, None]
    return np.bincount(drawn.ravel(), minlength=size * count).reshape(size, count)


def _figures(
    sample: Sample, weights: tuple[np.ndarray, np.ndarray], rates: Sequence[float]
) -> Mapping[str, np.ndarray]:
    """The figures of each draw, (draws,) float64, NaN where there is none."""
    membership, (inside, outside) = sample.membership, weights
    found = (inside @ sample.accused[membership]).astype(float)
    wrong = outside @ sample.accused[~membership]
    with np.errstate(invalid="ignore", divide="ignore"):
        figures = {
            "precision": found / (found + wrong),
            "f1": 2 * found / (inside.sum(axis=1) + found + wrong),
        }
    for rate, found_at in zip(rates, _found_at(sample, inside, outside, rates)):
        figures[f"tpr@{rate}"] = found_at
    return figures


def _found_at(
    sample: Sample, inside: np.ndarray, outside: np.ndarray, rates: Sequence[float]
) -> Iterator[np.ndarray]:
    """As :func:`mia_dual.metrics.tpr_at_fpr` for each of ``rates``, of each draw."""
    members, others = sample.scores[sample.membership], sample.scores[~sample.membership]
    rising, falling = np.argsort(members, kind="stable"), np.argsort(-others, kind="stable")
    members, others = members[rising], others[falling]
    drawn = np.arange(len(inside))
    refused = outside[:, falling].cumsum(axis=1, dtype=np.int32)
    below = np.pad(inside[:, rising].cumsum(axis=1, dtype=np.int32), ((0, 0), (1, 0)))
    for rate in rates:
        allowed = tolerated(len(others), rate)
        if not len(members) or allowed is None:
            yield np.full(len(inside), np.nan)
            continue
        first_refused = (refused > allowed).argmax(axis=1)
        passed = np.searchsorted(members, others[first_refused], side="right")
        yield 1 - below[drawn, passed] / len(members)


def _percentiles(drawn: np.ndarray, confidence: float) -> Optional[tuple[float, float]]:
    drawn = drawn[~np.isnan(drawn)]
    if not len(drawn):
        return None
    low, high = np.quantile(drawn, [(1 - confidence) / 2, (1 + confidence) / 2])
    return float(low), float(high)
