"""Kolmogorov and Smirnov's test over several targets, and memberships that are dealt out anew."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from mia_dual.metrics.permutation import chance, permuted
from mia_dual.metrics.two_samples import about_own_mean, kolmogorov_smirnov


def world(targets, records, shift, rng):
    """Records differ more than targets do; members score ``shift`` higher."""
    membership = rng.random((targets, records)) < 0.5
    scores = 2 * rng.normal(size=records) + rng.normal(size=(targets, records))
    return membership, scores + shift * membership


@st.composite
def repeated(draw):
    shape = draw(st.integers(1, 6)), draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    membership = rng.random(shape) < draw(st.sampled_from([0.0, 0.3, 0.5, 1.0]))
    scores = rng.integers(0, draw(st.sampled_from([1, 4, 1000])), shape) / 4
    return membership, scores, rng.random(shape) < draw(st.sampled_from([0.0, 0.5, 1.0]))


@pytest.mark.filterwarnings("ignore:ks_2samp. Exact calculation")
@settings(deadline=None, max_examples=60)
@given(repeated())
def test_the_statistic_is_that_of_scipy_and_pairs_that_are_not_asked_do_not_count(sample):
    membership, scores, asked = sample
    spoilt = np.where(asked, scores, np.nan)
    found = kolmogorov_smirnov(membership, spoilt, np.random.default_rng(0), asked, draws=19)
    members, others = scores[asked & membership], scores[asked & ~membership]
    if not len(members) or not len(others):
        assert found is None
        return
    expected = ks_2samp(members, others)
    assert found.statistic == pytest.approx(expected.statistic)
    apart = abs((members <= found.where).mean() - (others <= found.where).mean())
    assert apart == pytest.approx(found.statistic)
    both = (asked & membership).any(axis=0) & (asked & ~membership).any(axis=0)
    assert found.how == ("permuted" if both.any() else "unrelated")
    assert 0.05 <= found.p <= 1


def test_p_of_one_target_is_that_of_scipy():
    rng = np.random.default_rng(0)
    for shift in (0.0, 0.3, 0.6):
        membership = rng.random((1, 80)) < 0.5
        scores = rng.normal(size=(1, 80)) + shift * membership
        found = kolmogorov_smirnov(membership, scores, np.random.default_rng(1))
        exact = ks_2samp(scores[membership], scores[~membership]).pvalue
        assert found.how == "unrelated"
        # Three standard deviations of what 999 draws give.
        assert found.p == pytest.approx(exact, abs=3 * (exact * (1 - exact) / 999) ** 0.5 + 0.002)


@settings(deadline=None, max_examples=30)
@given(repeated(), st.integers(0, 100))
def test_memberships_are_dealt_out_within_records_among_pairs_that_are_asked(sample, seed):
    membership, _, asked = sample
    for dealt in permuted(membership, asked, 3, np.random.default_rng(seed)):
        assert np.array_equal(dealt.sum(axis=0), (membership & asked).sum(axis=0))
        assert not np.any(dealt & ~asked)


def test_every_dealing_is_as_likely():
    membership = np.array([[True], [False], [False], [True]])
    asked = np.array([[True], [True], [True], [False]])
    drawn = sum(
        dealt.astype(int) for dealt in permuted(membership, asked, 3000, np.random.default_rng(0))
    )
    # A standard deviation of 26 about 1,000.
    assert drawn[:3, 0] == pytest.approx(1000, abs=130)
    assert drawn[3, 0] == 0


def test_p_is_uniform_where_scores_know_nothing():
    rng = np.random.default_rng(0)
    found = [kolmogorov_smirnov(*world(6, 20, 0.0, rng), rng, draws=39).p for _ in range(200)]
    # Three standard deviations of a share of 200 draws.
    for level in (0.05, 0.2, 0.5):
        spread = 3 * (level * (1 - level) / 200) ** 0.5
        assert np.mean(np.array(found) <= level) == pytest.approx(level, abs=spread)


def test_p_is_small_where_members_score_higher_and_nothing_else_counts_but_the_order():
    membership, scores = world(16, 60, 1.0, np.random.default_rng(1))
    found = kolmogorov_smirnov(membership, scores, np.random.default_rng(2))
    assert (found.p, found.how) == (0.001, "permuted")
    turned = kolmogorov_smirnov(membership, -scores, np.random.default_rng(2))
    assert turned.statistic == pytest.approx(found.statistic)
    bent = kolmogorov_smirnov(membership, np.exp(scores), np.random.default_rng(2))
    assert bent.statistic == found.statistic
    assert bent.p == found.p
    assert np.log(bent.where) == pytest.approx(found.where)


def test_records_that_lie_far_apart_hide_traces_until_their_own_means_are_taken_off():
    membership, scores = world(16, 60, 0.5, np.random.default_rng(3))
    spread = scores + 5 * np.arange(60)
    asked = np.random.default_rng(5).random(spread.shape) < 0.9
    raw = kolmogorov_smirnov(membership, spread, np.random.default_rng(4), asked, draws=99)
    assert raw.p > 0.02
    centred = about_own_mean(np.where(asked, spread, np.nan), asked)
    assert (centred * asked).sum(axis=0) == pytest.approx(np.zeros(60), abs=1e-9)
    found = kolmogorov_smirnov(membership, centred, np.random.default_rng(4), asked, draws=99)
    assert found.p == 0.01
    assert about_own_mean(spread)[0, 0] == pytest.approx(spread[0, 0] - spread[:, 0].mean())


def test_chance_counts_what_was_found_as_a_draw():
    drawn = np.array([[0.0, 1.0], [0.5, 1.0], [1.0, 1.0]])
    assert chance(np.array([0.5, 2.0]), drawn) == pytest.approx([3 / 4, 1 / 4])
