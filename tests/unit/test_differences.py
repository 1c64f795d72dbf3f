"""Intervals of differences hold the truth as often as they say, paired and not."""

from statistics import NormalDist

import numpy as np
import pytest

from mia_dual import metrics
from mia_dual.metrics.differences import (
    auc_difference_interval,
    paired_auc_interval,
    paired_share_interval,
    share_interval,
)
from mia_dual.metrics.resampling import Sample, resampled_intervals

REPEATS = 300


def covered(intervals, truth):
    return np.mean([low <= truth <= high for low, high in intervals])


def scored(rng, sizes, aucs, correlation):
    """Scores of two runs, normal, correlated within each side; and the membership."""
    membership = np.repeat([True, False], sizes)
    first, other = rng.normal(size=(2, len(membership)))
    second = correlation * first + (1 - correlation**2) ** 0.5 * other
    shifts = [2**0.5 * NormalDist().inv_cdf(auc) for auc in aucs]
    return membership, first + shifts[0] * membership, second + shifts[1] * membership


@pytest.mark.parametrize("sizes", [(10, 10), (10, 60), (100, 100)])
@pytest.mark.parametrize("aucs", [(0.6, 0.6), (0.7, 0.8), (0.95, 0.98)])
@pytest.mark.parametrize("correlation", [0.5, 0.99])
def test_paired_auc_interval_covers(sizes, aucs, correlation):
    rng = np.random.default_rng([*sizes, int(aucs[0] * 100), int(correlation * 100)])
    draws = [scored(rng, sizes, aucs, correlation) for _ in range(REPEATS)]
    found = covered([paired_auc_interval(*draw) for draw in draws], aucs[1] - aucs[0])
    # .92 at worst, and what a share of 300 strays (its standard deviation is .013).
    assert found >= 0.89


@pytest.mark.parametrize("aucs", [(0.6, 0.6), (0.7, 0.9)])
def test_auc_interval_of_other_records_covers(aucs):
    rng = np.random.default_rng(1)
    intervals = []
    for _ in range(REPEATS):
        membership, first, _ = scored(rng, (30, 30), aucs, 0)
        others, _, second = scored(rng, (50, 20), aucs, 0)
        intervals.append(auc_difference_interval((membership, first), (others, second)))
    assert 0.9 <= covered(intervals, aucs[1] - aucs[0]) <= 0.99


def test_pairing_narrows_and_equal_scores_have_no_width():
    rng = np.random.default_rng(0)
    membership, first, second = scored(rng, (50, 50), (0.7, 0.7), 0.95)
    paired = np.subtract(*paired_auc_interval(membership, first, second))
    apart = np.subtract(*auc_difference_interval((membership, first), (membership, second)))
    assert abs(paired) < abs(apart) / 2
    assert paired_auc_interval(membership, first, first) == pytest.approx((0, 0), abs=1e-7)
    # Only the order counts, and the second is measured against the first.
    assert paired_auc_interval(membership, first, np.exp(second)) == pytest.approx(
        paired_auc_interval(membership, first, second)
    )
    low, high = paired_auc_interval(membership, first, second)
    assert paired_auc_interval(membership, second, first) == pytest.approx((-high, -low))


def test_paired_interval_is_delongs_where_records_are_many():
    rng = np.random.default_rng(0)
    membership, first, second = scored(rng, (2000, 3000), (0.7, 0.8), 0.5)
    wins = [
        (scores[membership][:, None] > scores[~membership]).astype(np.float32)
        for scores in (first, second)
    ]
    gap = wins[1] - wins[0]
    variance = gap.mean(1).var(ddof=1) / 2000 + gap.mean(0).var(ddof=1) / 3000
    low, high = paired_auc_interval(membership, first, second)
    assert (low + high) / 2 == pytest.approx(gap.mean(), abs=1e-5)
    assert high - low == pytest.approx(2 * 1.96 * variance**0.5, rel=0.02)


def test_sides_that_do_not_overlap_still_leave_doubt():
    membership = np.repeat([True, False], 10)
    low, high = paired_auc_interval(membership, membership + 0.0, membership * 2.0)
    assert low < -0.1 < 0.1 < high
    assert paired_auc_interval(membership[9:], membership[9:], membership[9:]) is None


@pytest.mark.parametrize("records", [10, 50, 400])
@pytest.mark.parametrize(("both", "first_only", "second_only"), [(0.9, 0.02, 0.05), (0.5, 0.2, 0)])
def test_paired_share_interval_covers(records, both, first_only, second_only):
    rng = np.random.default_rng([records, int(both * 10)])
    kinds = rng.choice(
        4, (REPEATS, records),
        p=[both, first_only, second_only, 1 - both - first_only - second_only],
    )  # fmt: skip
    intervals = [
        paired_share_interval(np.isin(kind, [0, 1]), np.isin(kind, [0, 2])) for kind in kinds
    ]
    assert covered(intervals, second_only - first_only) >= 0.91


@pytest.mark.parametrize(("first", "second"), [(0.9, 0.95), (0.5, 0.7)])
def test_share_interval_of_other_records_covers(first, second):
    rng = np.random.default_rng(0)
    intervals = [
        share_interval(rng.random(40) < first, rng.random(90) < second) for _ in range(REPEATS)
    ]
    assert covered(intervals, second - first) >= 0.91


def test_shares_that_never_part_leave_some_doubt():
    right = np.repeat([True, False], [380, 20])
    low, high = paired_share_interval(right, right)
    # Nobody of 400: up to 3 in 400 could have been missed.
    assert low == -high
    assert 0.005 < high < 0.01
    nobody = np.array([], bool)
    assert paired_share_interval(nobody, nobody) is None
    assert share_interval(nobody, right) is None


def test_resampled_intervals_cover():
    rng = np.random.default_rng(0)
    shift, correlation, repeats = 1.0, 0.8, 60

    def draw(size):
        membership, first, second = scored(rng, (size, size), (0.76, 0.76), correlation)
        return tuple(Sample(membership, scores, scores > 0.5) for scores in (first, second + shift))

    names = ("precision", "f1", "tpr@0.1")
    large = draw(400_000)
    truth = dict(zip(names, (b - a for a, b in zip(*map(exact, large)))))
    hits = dict.fromkeys(names, 0)
    for _ in range(repeats):
        found = resampled_intervals(*draw(100), rates=(0.1,), rng=rng, paired=True)
        for name in names:
            low, high = found[name]
            hits[name] += low <= truth[name] <= high
    # A share of 60 strays by .03.
    assert all(count / repeats >= 0.85 for count in hits.values()), hits


def exact(sample):
    return (
        metrics.precision(sample.membership, sample.accused),
        metrics.f1(sample.membership, sample.accused),
        metrics.tpr_at_fpr(sample.membership, sample.scores, 0.1),
    )


def test_resampling_is_paired_repeats_and_knows_what_cannot_be_said():
    rng = np.random.default_rng(0)
    membership = np.repeat([True, False], 30)
    scores = np.round(rng.random(60), 1)
    sample = Sample(membership, scores, scores > 0.5)

    def intervals(one, other, paired=True):
        return resampled_intervals(one, other, (0.01, 0.1), np.random.default_rng(5), paired)

    same = intervals(sample, sample)
    assert same["precision"] == same["f1"] == same["tpr@0.1"] == (0, 0)
    assert same["tpr@0.01"] is None
    apart = intervals(sample, sample, paired=False)
    assert apart["precision"][0] < 0 < apart["precision"][1]
    assert apart == intervals(sample, sample, paired=False)
    nobody = Sample(membership, scores, np.zeros(60, bool))
    assert intervals(sample, nobody)["precision"] is None
    assert intervals(nobody, nobody)["f1"] == (0, 0)


def test_a_draws_figures_are_those_of_the_records_it_drew():
    from mia_dual.metrics.resampling import _figures

    rng = np.random.default_rng(0)
    for _ in range(20):
        membership = np.repeat([True, False], [17, 25])
        scores = rng.integers(0, 6, 42) / 5
        inside, outside = (rng.multinomial(count, np.full(count, 1 / count)) for count in (17, 25))
        drawn = np.repeat(np.arange(42), np.concatenate([inside, outside]))
        sample = Sample(membership, scores, scores > 0.5)
        found = _figures(sample, (inside[None], outside[None]), (0.1, 0.3))
        members, scored_again = membership[drawn], scores[drawn]
        for rate in (0.1, 0.3):
            expected = metrics.tpr_at_fpr(members, scored_again, rate)
            assert found[f"tpr@{rate}"] == pytest.approx(expected)
        assert found["f1"] == pytest.approx(metrics.f1(members, scored_again > 0.5))
        assert found["precision"] == pytest.approx(metrics.precision(members, scored_again > 0.5))
