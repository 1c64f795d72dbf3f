"""Metrics against scikit-learn's, and on cases worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
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


def test_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(0)
    membership = np.repeat([True, False], [60, 40])
    truth = 0.7602  # P(N(1, 1) > N(0, 1)) = Phi(1 / sqrt 2)
    covered = 0
    for _ in range(400):
        low, high = metrics.auc_interval(membership, rng.normal(size=100) + membership)
        covered += low <= truth <= high
    assert 0.91 <= covered / 400 <= 0.98


def test_nobody_to_score_gives_none():
    nobody = np.array([], bool)
    members_only = np.array([True, True])
    assert metrics.accuracy(nobody, nobody) is None
    assert metrics.auc(members_only, np.array([0.1, 0.2])) is None
    assert metrics.recall(~members_only, members_only) is None
