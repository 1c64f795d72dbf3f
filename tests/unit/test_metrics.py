"""Metrics against scikit-learn's, and on cases worked by hand."""

import subprocess
import sys
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import rankdata
from sklearn import metrics as reference

from mia_dual import metrics


@st.composite
def scored(draw):
    count = draw(st.integers(2, 60))
    membership = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    # Few distinct values, so that ties are common.
    scores = draw(st.lists(st.integers(0, 8), min_size=count, max_size=count))
    membership[0], membership[1] = True, False
    return np.array(membership), np.array(scores) / 8


@given(scored())
def test_auc_is_scikit_learns(sample):
    membership, scores = sample
    assert metrics.auc(membership, scores) == pytest.approx(
        reference.roc_auc_score(membership, scores)
    )


@given(scored())
def test_decisions_are_scikit_learns(sample):
    membership, scores = sample
    accused = scores > 0.5
    assert metrics.accuracy(membership, accused) == pytest.approx(
        reference.accuracy_score(membership, accused)
    )
    assert metrics.f1(membership, accused) == pytest.approx(reference.f1_score(membership, accused))
    assert metrics.recall(membership, accused) == pytest.approx(
        reference.recall_score(membership, accused)
    )
    if accused.any():
        assert metrics.precision(membership, accused) == pytest.approx(
            reference.precision_score(membership, accused)
        )
    else:
        assert metrics.precision(membership, accused) is None


@given(scored(), st.sampled_from([0.1, 0.25, 0.5]))
def test_tpr_is_the_best_that_some_threshold_reaches_within_the_fpr(sample, rate):
    membership, scores = sample
    found = metrics.tpr_at_fpr(membership, scores, rate)
    outside = (~membership).sum()
    if outside * rate < 1:
        assert found is None
        return
    thresholds = np.concatenate([[-1], np.unique(scores)])
    reachable = [
        (scores[membership] > threshold).mean()
        for threshold in thresholds
        if (scores[~membership] > threshold).sum() <= rate * outside
    ]
    assert found == pytest.approx(max(reachable))


@given(scored())
def test_interval_holds_the_auc(sample):
    membership, scores = sample
    interval = metrics.auc_interval(membership, scores)
    if membership.sum() < 2 or (~membership).sum() < 2:
        assert interval is None
    else:
        low, high = interval
        assert 0 <= low <= metrics.auc(membership, scores) + 1e-9
        assert metrics.auc(membership, scores) - 1e-9 <= high <= 1


@given(scored())
def test_interval_has_width_and_turns_with_the_sides(sample):
    membership, scores = sample
    interval = metrics.auc_interval(membership, scores)
    if interval is None:
        return
    low, high = interval
    assert low < high
    assert metrics.auc_interval(~membership, scores) == pytest.approx((1 - high, 1 - low))
    assert metrics.auc_interval(membership, -scores) == pytest.approx((1 - high, 1 - low))
    # Only the order of scores counts.
    assert metrics.auc_interval(membership, np.exp(3 * scores) - 7) == interval


@pytest.mark.parametrize("each", [2, 5, 30])
def test_interval_has_width_where_sides_do_not_overlap(each):
    membership = np.repeat([True, False], each)
    low, high = metrics.auc_interval(membership, membership.astype(float))
    assert high == 1
    # Wilson's interval for as many successes of as many, give or take: neither tiny nor all.
    assert 0.5 * each / (each + 4) < low < each / (each + 1)
    assert metrics.auc_interval(membership, 1.0 - membership) == pytest.approx((0, 1 - low))


def test_interval_is_wider_where_more_is_asked_of_it():
    rng = np.random.default_rng(0)
    membership = np.repeat([True, False], 10)
    scores = rng.normal(size=20) + membership
    widths = [
        np.subtract(*metrics.auc_interval(membership, scores, confidence)[::-1])
        for confidence in (0.5, 0.8, 0.95, 0.99)
    ]
    assert np.all(np.diff(widths) > 0)


def test_interval_is_delongs_where_records_are_many():
    rng = np.random.default_rng(0)
    members, non_members = rng.normal(0.5, 2, size=4000), rng.normal(size=1000)
    low, high = metrics.auc_interval(
        np.repeat([True, False], [4000, 1000]), np.concatenate([members, non_members])
    )
    wins = members[:, None] > non_members
    variance = wins.mean(1).var(ddof=1) / 4000 + wins.mean(0).var(ddof=1) / 1000
    assert high - low == pytest.approx(2 * 1.96 * variance**0.5, rel=0.01)


def rounded(values, cuts):
    return values if cuts is None else np.searchsorted(cuts, values).astype(float)


def true_auc(shift, cuts):
    """Of scores from N(shift, 1) against N(0, 1), both rounded at ``cuts``."""
    normal = NormalDist()
    if cuts is None:
        return normal.cdf(shift / 2**0.5)
    at = [-np.inf, *cuts, np.inf]
    inside, outside = (np.diff([normal.cdf(cut - mean) for cut in at]) for mean in (shift, 0))
    return inside @ (np.cumsum(outside) - outside / 2)


@pytest.mark.parametrize(("inside", "outside"), [(5, 5), (10, 10), (30, 30), (5, 30)])
@pytest.mark.parametrize("levels", [None, 5], ids=["continuous", "many ties"])
@pytest.mark.parametrize("auc", [0.5, 0.8, 0.95])
def test_interval_covers_as_often_as_it_says(inside, outside, levels, auc):
    repeats = 400
    rng = np.random.default_rng([inside, outside, levels or 0, int(auc * 100)])
    shift = 2**0.5 * NormalDist().inv_cdf(auc)
    cuts = None if levels is None else shift / 2 + np.linspace(-1.2, 1.2, levels - 1)
    truth = true_auc(shift, cuts)
    membership = np.repeat([True, False], [inside, outside])
    covered = 0
    for _ in range(repeats):
        drawn = rng.normal(size=len(membership)) + shift * membership
        low, high = metrics.auc_interval(membership, rounded(drawn, cuts))
        covered += low <= truth <= high
    # .93 to .98, and what a share of 400 strays (its standard deviation is .011) beyond.
    assert 0.91 <= covered / repeats <= 0.99


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_ranks_are_scipys(dtype):
    rng = np.random.default_rng(0)
    for count in (0, 1, 2, 50, 1000):
        scores = rng.integers(-5, 5, count).astype(dtype) * 10.0 ** rng.integers(-2, 3)
        assert np.array_equal(metrics.ranks(scores), rankdata(scores))
    assert np.array_equal(metrics.ranks(np.array([np.inf, 1, -np.inf, np.inf])), [3.5, 2, 1, 3.5])
    assert np.isnan(metrics.ranks(np.array([1, np.nan, 2]))).all()


def test_metrics_and_signals_load_neither_scipy_nor_scikit_learn():
    command = "import sys; from mia_dual import metrics, signals; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"scipy", "sklearn"} & set(loaded)


def test_nobody_to_score_gives_none():
    nobody = np.array([], bool)
    members_only = np.array([True, True])
    assert metrics.accuracy(nobody, nobody) is None
    assert metrics.auc(members_only, np.array([0.1, 0.2])) is None
    assert metrics.recall(~members_only, members_only) is None


def test_one_record_a_side_has_an_auc_but_no_interval():
    membership = np.array([True, False, False])
    scores = np.array([0.5, 0.1, 0.9])
    assert metrics.auc(membership, scores) == 0.5
    assert metrics.auc_interval(membership, scores) is None
    assert metrics.auc_interval(~membership, scores) is None
