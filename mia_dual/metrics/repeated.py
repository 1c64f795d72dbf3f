"""Figures over several targets of the same records, and how far they may be from the truth.

``membership`` is (targets, records) bool, ``scores`` (targets, records) float, a record in the same
column throughout; ``asked`` (targets, records) bool says which pairs of target and record count.

A pooled figure is that of all pairs thrown together, with one threshold for all targets. Its
interval has two parts, since other records could have been drawn and other targets trained:

- records: percentile bootstrap of whole columns, so a record that is easily found stays so in all
  targets. With one target that is all, and the interval tells of that target alone;
- targets: K - 1 over K times the squared spread of the figure as each of the K targets is left out
  (the jackknife's variance), less what single pairs add to it (they are in the first part already;
  two-way clustering: Cameron, Gelbach and Miller 2011, Robust Inference With Multiway Clustering).
  Few targets tell little of their spread, so it counts with Student's t of K - 1 degrees of
  freedom: 12.7 for two, 3.2 for four.

Each end is as far from the figure as both parts' reaches squared and added. Resampling targets and
records at once (weights are products of two draws; Owen 2007, The Pigeonhole Bootstrap) was tried
first. It counts what is a pair's own three times, and knows nothing of the spread of few targets:
of AUCs at 2 to 8 targets it held the truth in .96 to .995 of worlds where targets weigh little, at
1.4 to 1.7 times the width, and in .82 to .88 where they weigh most.

Simulated at 200 and 1,000 records, 1 to 8 targets, with and without records that are found more
easily, this interval holds AUC and TPR at 10 % and 1 % in .92 to .99 of worlds where targets weigh
little (.90 for TPR at 1 % of 100 non-members of one target). Where targets spread the figure more
than twice as far as records do, it holds the AUC in .92 with four or eight and in .84 with two:
those are too few to show their spread at all times, and the interval is then wide on average and
too narrow in the rest. With one target it tells of other targets nothing (.55 there).
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Optional

import numpy as np

from mia_dual.metrics.ranking import tolerated
from mia_dual.metrics.rates import Interval, wilson
from mia_dual.metrics.resampling import multiplicities

DRAWS = 500
"""Draws of records."""

PAIR_DRAWS = 100
"""Draws of single pairs, of which the variance alone is taken."""

WEIGHTS_AT_ONCE = 1 << 21
"""Draws times pairs that are looked at in one go: 16 MB."""


class Estimate(NamedTuple):
    """A figure and its interval; None is what cannot be known."""

    value: Optional[float]
    interval: Optional[Interval]


def pooled_figures(
    membership: np.ndarray,
    scores: np.ndarray,
    rates: Sequence[float],
    rng: np.random.Generator,
    asked: Optional[np.ndarray] = None,
    confidence: float = 0.95,
) -> dict[str, Estimate]:
    """The AUC, key ``auc``, and TPR at each of ``rates`` of false positives, key ``tpr@<rate>``.

    All pairs are asked where ``asked`` is None. A figure is None where either side has no pairs,
    or non-members are too few to show the rate (see :func:`mia_dual.metrics.tpr_at_fpr`). At 0,
    and at rates that few non-members are behind, an interval by resampling is too short. Where
    draws do not differ (all are found, or nobody), it is Wilson's for as many records instead.
    """
    names = ["auc", *(f"tpr@{rate}" for rate in rates)]
    pairs = _Pairs.of(membership, scores, asked)
    if not pairs.inside or not pairs.outside:
        return dict.fromkeys(names, Estimate(None, None))
    values = pairs.figures(np.ones((1, len(pairs.target))), rates)[:, 0]
    by_record = _resampled(pairs, pairs.record, DRAWS, rates, rng)
    added = _added_by_targets(pairs, rates, rng, confidence)
    shown = [True, *(tolerated(pairs.outside, rate) is not None for rate in rates)]
    found = {}
    for place, name in enumerate(names):
        if not shown[place]:
            found[name] = Estimate(None, None)
            continue
        value = float(values[place])
        few = pairs.fewest_records if name == "auc" else pairs.member_records
        interval = _interval(value, by_record[place], added[place], few, confidence)
        found[name] = Estimate(value, interval)
    return found


def pooled_differences(
    membership: np.ndarray,
    first: np.ndarray,
    second: np.ndarray,
    rates: Sequence[float],
    rng: np.random.Generator,
    asked: Optional[np.ndarray] = None,
    confidence: float = 0.95,
) -> dict[str, Estimate]:
    """What :func:`pooled_figures` gives for the scores ``second``, less what it gives for
    ``first`` of the same pairs.

    Records, targets and pairs are drawn alike for both, so what both share is in no interval.
    """
    names = ["auc", *(f"tpr@{rate}" for rate in rates)]
    both = [_Pairs.of(membership, scores, asked) for scores in (first, second)]
    one = both[0]
    if not one.inside or not one.outside:
        return dict.fromkeys(names, Estimate(None, None))

    def drawn(unit: str, draws: int) -> np.ndarray:
        # The same draws for both: what is left of the generator is the same.
        again = copy.deepcopy(rng)
        parts = [
            _resampled(pairs, getattr(pairs, unit), draws, rates, source)
            for pairs, source in zip(both, (again, rng))
        ]
        found: np.ndarray = parts[1] - parts[0]
        return found

    whole = np.ones((1, len(one.target)))
    values = (both[1].figures(whole, rates) - both[0].figures(whole, rates))[:, 0]
    by_record = drawn("record", DRAWS)
    added = np.zeros(len(names))
    if one.targets > 1:
        without = _without_each(both[1], rates) - _without_each(both[0], rates)
        added = _reach(without, drawn("pair", PAIR_DRAWS), confidence)
    shown = [True, *(tolerated(one.outside, rate) is not None for rate in rates)]
    found = {}
    for place, name in enumerate(names):
        draws = by_record[place][~np.isnan(by_record[place])]
        if not shown[place] or not len(draws) or np.isnan(added[place]):
            found[name] = Estimate(None, None)
            continue
        value = float(values[place])
        ends = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
        low, high = _ends(value, ends, float(added[place]))
        found[name] = Estimate(value, (max(low, -1.0), min(high, 1.0)))
    return found


@dataclass(frozen=True)
class _Pairs:
    """The pairs asked, members first, each side by falling score.

    ``target`` and ``record``: (pairs,) int64, numbered from 0 without gaps; ``pair``: (pairs,)
    int64, the place of each among all, whatever their scores. ``beating`` and
    ``reaching``: (inside,) int64, of each member how many non-members score above it, and at least
    as high. ``passing``: (outside + 1,) int64, how many members score above each non-member, and
    then all of them.
    """

    target: np.ndarray
    record: np.ndarray
    pair: np.ndarray
    inside: int
    beating: np.ndarray
    reaching: np.ndarray
    passing: np.ndarray

    @staticmethod
    def of(membership: np.ndarray, scores: np.ndarray, asked: Optional[np.ndarray]) -> _Pairs:
        chosen = np.ones(membership.shape, bool) if asked is None else asked
        target, record = np.nonzero(chosen)
        member, score = membership[chosen], scores[chosen]
        order = np.lexsort((-score, ~member))
        inside = int(member.sum())
        # Searching wants rising numbers.
        falling = -score[order]
        members, others = falling[:inside], falling[inside:]
        return _Pairs(
            target=np.unique(target, return_inverse=True)[1][order],
            record=np.unique(record, return_inverse=True)[1][order],
            pair=order,
            inside=inside,
            beating=np.searchsorted(others, members, side="left"),
            reaching=np.searchsorted(others, members, side="right"),
            passing=np.append(np.searchsorted(members, others, side="left"), inside),
        )

    @property
    def outside(self) -> int:
        return len(self.record) - self.inside

    @property
    def targets(self) -> int:
        return int(self.target.max()) + 1

    @property
    def member_records(self) -> int:
        return len(np.unique(self.record[: self.inside]))

    @property
    def fewest_records(self) -> int:
        return min(self.member_records, len(np.unique(self.record[self.inside :])))

    def figures(self, weights: np.ndarray, rates: Sequence[float]) -> np.ndarray:
        """(1 + rates, draws) float64: the AUC and the TPRs where a pair counts ``weights`` times.

        ``weights`` is (draws, pairs) float64. NaN where a side weighs nothing.
        """
        found, wrong = (
            np.pad(side.cumsum(axis=1), ((0, 0), (1, 0)))
            for side in (weights[:, : self.inside], weights[:, self.inside :])
        )
        members, others = found[:, -1], wrong[:, -1]
        lost = np.einsum(
            "dm,dm->d",
            weights[:, : self.inside],
            wrong[:, self.beating] + wrong[:, self.reaching],
        )
        limits = others[:, None] * np.asarray(rates, np.float64) + 1e-9
        refused = np.array(
            [np.searchsorted(row[1:], limit, side="right") for row, limit in zip(wrong, limits)]
        )
        passed = np.take_along_axis(found, self.passing[refused], axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            areas = 1 - lost / (2 * members * others)
            shares = passed / members[:, None]
        shares[others == 0] = np.nan
        return np.vstack([areas, shares.T])


def _resampled(
    pairs: _Pairs, unit: np.ndarray, draws: int, rates: Sequence[float], rng: np.random.Generator
) -> np.ndarray:
    """(1 + rates, draws) figures with what ``unit`` (pairs,) int64 numbers drawn again."""
    count = int(unit.max()) + 1
    parts = [
        pairs.figures(drawn.astype(np.float64)[:, unit], rates)
        for drawn in _multiplicities(count, draws, max(1, WEIGHTS_AT_ONCE // len(unit)), rng)
    ]
    return np.hstack(parts)


def _multiplicities(
    count: int, draws: int, at_once: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """How often each of ``count`` is drawn: (at_once, count) int64 at most, ``draws`` in all."""
    for start in range(0, draws, at_once):
        yield multiplicities(count, min(at_once, draws - start), rng)


def _added_by_targets(
    pairs: _Pairs, rates: Sequence[float], rng: np.random.Generator, confidence: float
) -> np.ndarray:
    """(1 + rates,) float64: how far the targets' spread reaches, beyond what their pairs explain.

    0 for one target; NaN where leaving a target out leaves nothing to measure.
    """
    if pairs.targets == 1:
        return np.zeros(1 + len(rates))
    single = _resampled(pairs, np.arange(len(pairs.target)), PAIR_DRAWS, rates, rng)
    return _reach(_without_each(pairs, rates), single, confidence)


def _without_each(pairs: _Pairs, rates: Sequence[float]) -> np.ndarray:
    """(1 + rates, targets) figures with each target left out."""
    return np.hstack(
        [
            pairs.figures((pairs.target != left_out).astype(np.float64)[None], rates)
            for left_out in range(pairs.targets)
        ]
    )


def _reach(without: np.ndarray, single: np.ndarray, confidence: float) -> np.ndarray:
    """(figures,) float64: how far targets spread a figure, given it ``without`` each of them
    (figures, targets), beyond what draws of ``single`` pairs (figures, draws) do.
    """
    from scipy.special import stdtrit

    targets = without.shape[1]
    spread = (targets - 1) * without.var(axis=1)
    excess = np.maximum(spread - _variance(single), 0)
    reach: np.ndarray = stdtrit(targets - 1, 0.5 + confidence / 2) * np.sqrt(excess)
    return reach


def _variance(draws: np.ndarray) -> np.ndarray:
    """(figures,) of (figures, draws), of what draws there are; 0 where there are none."""
    return np.array([row[~np.isnan(row)].var() if not np.isnan(row).all() else 0 for row in draws])


def _interval(
    value: float, draws: np.ndarray, added: float, records: int, confidence: float
) -> Optional[Interval]:
    draws = draws[~np.isnan(draws)]
    if not len(draws) or np.isnan(added):
        return None
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    if low == high:
        low, high = wilson(round(value * records), records, confidence) or (value, value)
    low, high = _ends(value, (low, high), added)
    return max(low, 0.0), min(high, 1.0)


def _ends(value: float, of_records: Sequence[float], added: float) -> Interval:
    """The ends of an interval whose part by records is ``of_records``."""
    low, high = of_records
    below, above = (np.hypot(max(part, 0.0), added) for part in (value - low, high - value))
    return float(value - below), float(value + above)
