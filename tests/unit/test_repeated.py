"""Pooled figures over several targets, and their intervals."""

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mia_dual import metrics
from mia_dual.metrics.repeated import Estimate, pooled_differences, pooled_figures

RATES = (0.5, 0.1, 0.01, 0.0)


def balanced(targets, records, rng):
    """Half of the records are members of each target, drawn apart."""
    return np.stack([rng.permutation(records) < records // 2 for _ in range(targets)])


@st.composite
def repeated(draw):
    shape = draw(st.integers(1, 4)), draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    membership = rng.random(shape) < draw(st.sampled_from([0.0, 0.3, 0.5, 1.0]))
    scores = rng.integers(0, draw(st.sampled_from([1, 4, 1000])), shape) / 4
    asked = rng.random(shape) < draw(st.sampled_from([0.0, 0.5, 1.0]))
    return membership, scores, asked


@settings(deadline=None, max_examples=60)
@given(repeated())
def test_values_are_those_of_all_pairs_thrown_together(sample):
    membership, scores, asked = sample
    found = pooled_figures(membership, scores, RATES, np.random.default_rng(0), asked)
    member, score = membership[asked], scores[asked]
    expected = {"auc": metrics.auc(member, score)}
    if expected["auc"] is None:
        assert set(found.values()) == {Estimate(None, None)}
        return
    expected |= {f"tpr@{rate}": metrics.tpr_at_fpr(member, score, rate) for rate in RATES}
    assert found.keys() == expected.keys()
    for name, (value, interval) in found.items():
        assert value == (None if expected[name] is None else pytest.approx(expected[name]))
        if value is None:
            assert interval is None
        elif interval is not None:
            assert 0 <= interval[0] <= value <= interval[1] <= 1
            assert interval[0] < interval[1]


def test_pairs_that_are_not_asked_do_not_count():
    rng = np.random.default_rng(0)
    membership = balanced(3, 60, rng)
    scores = rng.normal(size=(3, 60)) + membership
    asked = rng.random((3, 60)) < 0.7
    spoilt = np.where(asked, scores, 1e9)
    assert pooled_figures(
        membership, scores, RATES, np.random.default_rng(1), asked
    ) == pooled_figures(membership ^ ~asked, spoilt, RATES, np.random.default_rng(1), asked)


def test_only_the_order_of_scores_counts_and_the_seed_settles_the_rest():
    rng = np.random.default_rng(0)
    membership = balanced(2, 100, rng)
    scores = rng.normal(size=(2, 100)) + membership
    found = pooled_figures(membership, scores, RATES, np.random.default_rng(1))
    assert pooled_figures(membership, np.exp(scores), RATES, np.random.default_rng(1)) == found
    assert pooled_figures(membership, scores, RATES, np.random.default_rng(2)) != found


def test_a_target_that_is_not_asked_at_all_is_none():
    rng = np.random.default_rng(0)
    membership = balanced(2, 80, rng)
    scores = rng.normal(size=(2, 80)) + membership
    asked = np.array([[True], [False]]) & np.ones((2, 80), bool)
    assert pooled_figures(
        membership, scores, RATES, np.random.default_rng(1), asked
    ) == pooled_figures(membership[:1], scores[:1], RATES, np.random.default_rng(1))


@pytest.mark.parametrize("targets", [1, 4])
def test_records_that_are_all_found_leave_some_doubt(targets):
    membership = balanced(targets, 40, np.random.default_rng(0))
    found = pooled_figures(membership, membership + 0.0, RATES, np.random.default_rng(0))
    for name in ("auc", "tpr@0.5", "tpr@0.1"):
        value, (low, high) = found[name]
        assert value == high == 1
        assert 0.7 < low < 0.95
    # 20 or 80 non-members do not show one in a hundred.
    assert found["tpr@0.01"] == Estimate(None, None)


def test_what_leaving_out_a_target_takes_all_of_has_no_interval():
    membership = np.repeat([[True], [False]], 20, axis=1)
    scores = np.random.default_rng(0).normal(size=(2, 20))
    found = pooled_figures(membership, scores, (0.1,), np.random.default_rng(0))
    assert found["auc"].value is not None
    assert found["auc"].interval is None
    assert found["tpr@0.1"].interval is None


def test_targets_that_differ_widen_the_interval():
    rng = np.random.default_rng(0)
    membership = balanced(4, 400, rng)
    noise = rng.normal(size=(4, 400))
    even = noise + membership
    uneven = noise + membership * np.array([[0.0], [0.2], [1.8], [2.0]])
    widths = [
        np.ptp(pooled_figures(membership, scores, (), np.random.default_rng(1))["auc"].interval)
        for scores in (even, uneven)
    ]
    assert widths[1] > 2 * widths[0]


def test_records_that_are_found_by_all_targets_do_not_count_once_a_target():
    """Eight targets that say the same of the same members know no more than one."""
    rng = np.random.default_rng(0)
    membership = balanced(1, 300, rng)
    scores = rng.normal(size=(1, 300)) + membership
    alone = pooled_figures(membership, scores, (), np.random.default_rng(1))["auc"]
    eight = pooled_figures(
        np.repeat(membership, 8, axis=0), np.repeat(scores, 8, axis=0), (), np.random.default_rng(1)
    )["auc"]
    assert eight.value == pytest.approx(alone.value)
    assert np.ptp(eight.interval) == pytest.approx(np.ptp(alone.interval), rel=0.01)


@pytest.mark.parametrize(("targets", "effect"), [(1, 0.0), (2, 0.0), (4, 0.2), (8, 0.2)])
def test_interval_covers_about_as_often_as_it_says(targets, effect):
    repeats, shift = 150, 0.7
    rng = np.random.default_rng(targets)
    # Records differ by .5 and in what they gain by .5, targets in what members gain by ``effect``.
    within = NormalDist().cdf(shift / (2 * (1 + 0.25) + 0.25 + effect**2) ** 0.5)
    covered = 0
    for _ in range(repeats):
        membership = balanced(targets, 100, rng)
        gains = shift + 0.5 * rng.normal(size=100) + effect * rng.normal(size=(targets, 1))
        base = rng.normal(size=(targets, 100)) + 0.5 * rng.normal(size=100)
        low, high = pooled_figures(membership, base + membership * gains, (), rng)["auc"].interval
        covered += low <= within <= high
    # .92 to .97, and what a share of 150 strays (its standard deviation is .02) beyond.
    assert 0.88 <= covered / repeats <= 0.995


@settings(deadline=None, max_examples=20)
@given(repeated(), st.integers(0, 1000))
def test_differences_are_those_of_the_figures(sample, seed):
    membership, scores, asked = sample
    other = scores + np.random.default_rng(seed).integers(0, 3, scores.shape)
    found = pooled_differences(membership, scores, other, RATES, np.random.default_rng(0), asked)
    one, two = (
        pooled_figures(membership, table, RATES, np.random.default_rng(0), asked)
        for table in (scores, other)
    )
    for name, (value, interval) in found.items():
        if one[name].value is None:
            assert value is None
        elif value is not None:
            assert value == pytest.approx(two[name].value - one[name].value)
            assert interval is None or -1 <= interval[0] <= value <= interval[1] <= 1


def test_what_both_share_is_in_no_interval_of_a_difference():
    rng = np.random.default_rng(0)
    membership = balanced(6, 80, rng)
    shared = rng.normal(size=(6, 80)) + 2 * rng.normal(size=80)
    better = shared + 0.3 * membership
    nothing = pooled_differences(membership, shared, shared, (0.1,), np.random.default_rng(1))
    assert nothing["auc"] == (0.0, (0.0, 0.0))
    low, high = pooled_differences(membership, shared, better, (0.1,), np.random.default_rng(1))[
        "auc"
    ].interval
    assert low > 0
    alone = pooled_figures(membership, better, (0.1,), np.random.default_rng(1))["auc"].interval
    assert high - low < (alone[1] - alone[0]) / 4
