"""Bounds of epsilon: on mechanisms of known epsilon, and against sums worked out here."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from mia_dual import metrics
from mia_dual.metrics.epsilon import one_run_chance


def response(epsilon, records, rng):
    """Randomised response about the members, half of the records: each answer is true with
    e^epsilon / (1 + e^epsilon). To replace a record changes two answers: 2 epsilon in all.
    """
    membership = np.zeros(records, bool)
    membership[rng.permutation(records)[: records // 2]] = True
    true = rng.random(records) < 1 / (1 + math.exp(-epsilon))
    return membership, np.where(true, membership, ~membership).astype(float)


@pytest.mark.parametrize("epsilon", [0.0, 1.0, 3.0])
def test_bounds_stay_below_the_epsilon_of_randomised_response_and_come_near(epsilon):
    rng = np.random.default_rng(int(epsilon))
    rates, one_run = [], []
    for _ in range(200):
        membership, scores = response(epsilon, 2000, rng)
        rates.append(metrics.epsilon_from_rates(membership, scores > 0.5))
        one_run.append(metrics.epsilon_from_one_run(membership, scores, rng))
    # An error of .05, and what a share of 200 strays (three times .015) beyond.
    assert np.mean(np.array(rates) > epsilon) <= 0.1
    assert np.mean(np.array(one_run) > 2 * epsilon) <= 0.1
    assert np.median(rates) >= 0.75 * epsilon
    assert np.median(one_run) >= 0.75 * 2 * epsilon


def test_pairs_hold_where_records_are_answered_all_or_none():
    """One coin says whether all are answered, so records are no trials of their own."""
    rng = np.random.default_rng(0)
    epsilon, over = 0.5, 0
    for _ in range(300):
        membership, told = response(epsilon, 400, rng)
        silent = rng.random() < 0.5
        found = metrics.epsilon_from_one_run(membership, np.zeros(400) if silent else told, rng)
        assert found == 0 or not silent
        over += found > 2 * epsilon
    assert over / 300 <= 0.05


@given(st.integers(1, 80), st.integers(1, 80), st.data())
def test_rates_give_the_better_of_both_directions(inside, outside, data):
    found, wrong = data.draw(st.integers(0, inside)), data.draw(st.integers(0, outside))
    delta = data.draw(st.sampled_from([0.0, 0.05]))
    membership = np.repeat([True, False], [inside, outside])
    accused = np.concatenate([np.arange(inside) < found, np.arange(outside) < wrong])
    tpr = binomtest(found, inside).proportion_ci(0.95).low
    fpr = binomtest(wrong, outside).proportion_ci(0.95).high
    ratios = [(tpr - delta) / fpr, (1 - fpr - delta) / (1 - tpr)]
    expected = max(0.0, *(math.log(ratio) for ratio in ratios if ratio > 0), 0.0)
    bound = metrics.epsilon_from_rates(membership, accused, delta)
    assert bound == pytest.approx(expected, abs=1e-9)
    # One that nobody needs costs a little, and never helps.
    both = np.stack([accused, np.zeros_like(accused)])
    assert metrics.epsilon_from_rates(membership, both, delta) <= bound + 1e-12
    assert metrics.epsilon_from_rates(membership, accused, delta, 0.99) <= bound + 1e-12


def test_more_records_show_more():
    bounds = []
    for each in (10, 100, 1000, 10_000):
        membership = np.repeat([True, False], each)
        bounds.append(metrics.epsilon_from_rates(membership, membership.copy()))
        assert metrics.epsilon_from_rates(membership, ~membership) == 0
    assert np.all(np.diff(bounds) > 2)
    # (1 - x) / x with x = 1 - .025^(1 / n), the exact bound for none of n.
    exact = 1 - 0.025 ** (1 / 10)
    assert bounds[0] == pytest.approx(math.log((1 - exact) / exact))


@given(st.integers(1, 60), st.data(), st.floats(0, 5), st.sampled_from([0.0, 1e-4, 0.01, 1.0]))
def test_chance_is_the_corollarys_sum(pairs, data, epsilon, delta):
    guesses = data.draw(st.integers(1, pairs))
    correct = data.draw(st.integers(0, guesses))
    rate = 1 / (1 + math.exp(-epsilon))
    right = [binom.pmf(count, guesses, rate) for count in range(guesses + 1)]
    most = max((sum(right[correct - i : correct]) / i for i in range(1, correct + 1)), default=0.0)
    expected = min(1.0, sum(right[correct:]) + 2 * pairs * delta * most)
    assert one_run_chance(pairs, guesses, correct, epsilon, delta) == pytest.approx(
        expected, abs=1e-9
    )


def test_one_run_bound_of_certain_guesses_is_the_binomials():
    membership = np.repeat([True, False], 50)
    scores = membership + np.linspace(0, 0.5, 100)
    rng = np.random.default_rng(0)
    # All 50 pairs are right: q^50 = .05 at the bound.
    rate = 0.05 ** (1 / 50)
    exact = math.log(rate / (1 - rate))
    assert metrics.epsilon_from_one_run(membership, scores, rng, shares=[1]) == pytest.approx(exact)
    shared = metrics.epsilon_from_one_run(membership, scores, rng)
    assert 0 < shared < exact
    with_delta = metrics.epsilon_from_one_run(membership, scores, rng, delta=1e-5, shares=[1])
    assert 0 < with_delta < exact


def test_delta_that_explains_all_leaves_nothing():
    membership = np.repeat([True, False], 50)
    rng = np.random.default_rng(0)
    assert metrics.epsilon_from_one_run(membership, membership + 0.0, rng, delta=0.5) == 0
    assert metrics.epsilon_from_rates(membership, membership, delta=1.0) == 0


@pytest.mark.parametrize("inside", [0, 1, 2])
def test_one_side_alone_shows_nothing_that_can_be_known(inside):
    membership, rng = np.arange(2) < inside, np.random.default_rng(0)
    scores = np.array([np.inf, -np.inf])
    bounds = (
        metrics.epsilon_from_rates(membership, scores > 0),
        metrics.epsilon_from_one_run(membership, scores, rng),
    )
    assert bounds == ((0.0, 0.0) if inside == 1 else (None, None))


def test_scores_that_are_all_the_same_show_nothing():
    membership = np.repeat([True, False], 100)
    for same in (0.5, np.inf):
        scores = np.full(200, same)
        assert metrics.epsilon_from_one_run(membership, scores, np.random.default_rng(0)) == 0
        assert metrics.epsilon_from_rates(membership, scores > 0) == 0


def test_one_run_bound_is_its_seeds():
    rng = np.random.default_rng(3)
    membership, _ = response(1.0, 500, rng)
    scores = rng.normal(size=500) + 2 * membership
    bounds = [
        metrics.epsilon_from_one_run(membership, scores, np.random.default_rng(seed))
        for seed in (0, 0, 1)
    ]
    assert bounds[0] == bounds[1] > 0
    assert bounds[2] > 0
