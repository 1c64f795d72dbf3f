"""Rates and ROC curves against scikit-learn's and SciPy's, and on cases worked by hand."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn import metrics as reference

from mia_dual import metrics

NORMAL = NormalDist()


@st.composite
def scored(draw):
    count = draw(st.integers(1, 60))
    membership = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    # Few distinct values, so that ties are common.
    scores = draw(st.lists(st.integers(-4, 4), min_size=count, max_size=count))
    return np.array(membership), np.array(scores) / 8


@given(st.integers(1, 400), st.data(), st.sampled_from([0.8, 0.95, 0.99]))
def test_intervals_are_scipys(total, data, confidence):
    count = data.draw(st.integers(0, total))
    result = binomtest(count, total)
    for found, method in ((metrics.clopper_pearson, "exact"), (metrics.wilson, "wilson")):
        theirs = result.proportion_ci(confidence, method)
        low, high = found(count, total, confidence)
        assert (low, high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)
        assert 0 <= low <= count / total <= high <= 1


def test_no_trials_have_no_interval():
    assert metrics.wilson(0, 0) is None
    assert metrics.clopper_pearson(0, 0) is None


@given(scored())
def test_rates_are_scikit_learns(sample):
    membership, scores = sample
    accused = scores > 0
    tpr = metrics.true_positive_rate(membership, accused)
    fpr = metrics.false_positive_rate(membership, accused)
    if membership.all() or not membership.any():
        assert None in (tpr, fpr)
        assert metrics.advantage(membership, accused) is None
        assert metrics.balanced_accuracy(membership, accused) is None
        return
    assert tpr == pytest.approx(reference.recall_score(membership, accused))
    assert fpr == pytest.approx(1 - reference.recall_score(~membership, ~accused))
    assert metrics.advantage(membership, accused) == pytest.approx(tpr - fpr)
    assert metrics.balanced_accuracy(membership, accused) == pytest.approx(
        reference.balanced_accuracy_score(membership, accused)
    )


@given(scored())
def test_precision_at_the_records_own_prior_is_their_precision(sample):
    membership, scores = sample
    accused = scores > 0
    found = metrics.precision_at(
        float(membership.mean()),
        metrics.true_positive_rate(membership, accused),
        metrics.false_positive_rate(membership, accused),
    )
    if membership.all() or not membership.any():
        assert found is None
    else:
        assert found == pytest.approx(metrics.precision(membership, accused))


def test_few_members_among_many_leave_little_of_precision():
    assert metrics.precision_at(0.5, 0.2, 0.1) == pytest.approx(2 / 3)
    assert metrics.precision_at(0.01, 0.2, 0.1) == pytest.approx(0.002 / 0.101)
    assert metrics.precision_at(0.01, 0.2, 0.0) == 1
    assert metrics.precision_at(0.01, 0.0, 0.0) is None
    assert metrics.precision_at(0.01, None, 0.1) is None


@given(scored(), st.sampled_from([np.float32, np.float64]))
def test_roc_is_scikit_learns(sample, dtype):
    membership, scores = sample[0], sample[1].astype(dtype)
    found = metrics.roc(membership, scores)
    if membership.all() or not membership.any():
        assert found is None
        return
    fpr, tpr, thresholds = reference.roc_curve(membership, scores, drop_intermediate=False)
    np.testing.assert_allclose(found.fpr, fpr)
    np.testing.assert_allclose(found.tpr, tpr)
    assert np.array_equal(found.thresholds[1:], thresholds[1:])
    for threshold, wrong, right in zip(found.thresholds, found.fpr, found.tpr):
        assert (scores[~membership] >= threshold).mean() == wrong
        assert (scores[membership] >= threshold).mean() == right
    assert reference.auc(found.fpr, found.tpr) == pytest.approx(metrics.auc(membership, scores))


@given(scored(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]))
def test_tpr_is_that_of_the_threshold_and_of_a_corner(sample, rate):
    membership, scores = sample
    found = metrics.tpr_at_fpr(membership, scores, rate)
    threshold = metrics.threshold_at(membership, scores, rate)
    outside = int((~membership).sum())
    if not outside or 0 < outside * rate < 1:
        assert found is None
        assert threshold is None
        return
    assert (scores[~membership] > threshold).sum() <= rate * outside
    if not membership.any():
        assert found is None
        return
    assert found == (scores[membership] > threshold).mean()
    corners = metrics.roc(membership, scores)
    assert found == corners.tpr[corners.fpr <= rate].max()


def test_no_false_positive_at_all():
    membership = np.array([True, True, True, True, False, False])
    scores = np.array([9.0, 7, 5, 1, 5, 2])
    # 9 and 7: the member at 5 ties with the highest non-member.
    assert metrics.tpr_at_fpr(membership, scores, 0) == 0.5
    assert metrics.tpr_at_fpr(membership, scores, 1) == 1
    assert metrics.tpr_at_fpr(membership[:4], scores[:4], 0) is None
    assert metrics.tpr_at_fpr(membership[4:], scores[4:], 0) is None


def test_a_rate_that_is_a_whole_number_of_records_loses_none_to_rounding():
    # .29 x 100 is 28.999999999999996 in floats.
    membership = np.repeat([False, True], [100, 1])
    scores = np.append(np.arange(100), 70.5)
    assert metrics.tpr_at_fpr(membership, scores, 0.29) == 1


def test_gaussian_scores_have_their_known_rates():
    count, shift = 200_000, 1.5
    rng = np.random.default_rng(0)
    membership = np.repeat([True, False], count)
    scores = rng.normal(size=2 * count) + shift * membership
    assert metrics.auc(membership, scores) == pytest.approx(NORMAL.cdf(shift / 2**0.5), abs=0.003)
    for rate in (0.001, 0.01, 0.1):
        expected = NORMAL.cdf(shift + NORMAL.inv_cdf(rate))
        assert metrics.tpr_at_fpr(membership, scores, rate) == pytest.approx(expected, abs=0.01)
    best = scores > shift / 2
    assert metrics.advantage(membership, best) == pytest.approx(
        2 * NORMAL.cdf(shift / 2) - 1, abs=0.005
    )
