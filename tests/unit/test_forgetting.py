"""How completely records were forgotten: each figure against its definition done by hand."""

from functools import partial
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import gumbel_r, norm

from mia_dual import metrics
from mia_dual.attacks.likelihood import gaussian
from mia_dual.forgetting.iam import STEPS, completeness, iam_signal
from mia_dual.forgetting.quality import DELTA, forgetting_quality, points
from mia_dual.forgetting.u_lira import u_lira

OWN = partial(gaussian, variance="own")
RATES = (0.1,)


def world(targets, records, shift, seed):
    """Records differ more than targets do; who deleted a record scores ``shift`` higher."""
    rng = np.random.default_rng(seed)
    deleted = rng.random((targets, records)) < 0.5
    scores = 2 * rng.normal(size=records) + rng.normal(size=(targets, records))
    return scores + shift * deleted, deleted


def told(scores, deleted, **settings):
    return u_lira(scores, deleted, RATES, np.random.default_rng(0), draws=19, **settings)


def quality(scores, deleted, **settings):
    return forgetting_quality(scores, deleted, np.random.default_rng(0), **settings)


def test_u_lira_judges_each_model_by_the_others():
    scores, deleted = world(12, 6, 0.5, 0)
    found = told(scores, deleted, law=OWN)
    for target in range(12):
        others = np.arange(12) != target
        for record in range(6):
            sides = [
                scores[others & side, record] for side in (deleted[:, record], ~deleted[:, record])
            ]
            ins, outs = (
                norm.logpdf(scores[target, record], side.mean(), side.std()) for side in sides
            )
            assert found.scores[target, record] == pytest.approx(ins - outs)
    assert np.array_equal(found.right, ((found.scores > 0) == deleted).sum(axis=0))
    assert found.accuracy == pytest.approx(found.right / 12)
    assert found.pooled["auc"].value == pytest.approx(
        metrics.auc(deleted.ravel(), found.scores.ravel())
    )


def test_u_lira_sets_pairs_apart_by_models_that_are_of_neither():
    scores, deleted = world(9, 3, 0.5, 1)
    found = told(scores, deleted, law=OWN)
    for record in range(3):
        value, inside = scores[:, record], deleted[:, record]
        won = []
        for one in np.flatnonzero(inside):
            for other in np.flatnonzero(~inside):
                others = (np.arange(9) != one) & (np.arange(9) != other)
                sides = [value[others & side] for side in (inside, ~inside)]
                ratios = [
                    norm.logpdf(value[model], sides[0].mean(), sides[0].std())
                    - norm.logpdf(value[model], sides[1].mean(), sides[1].std())
                    for model in (one, other)
                ]
                won.append(ratios[0] > ratios[1])
        assert found.auc[record] == pytest.approx(np.mean(won))


def test_u_lira_tells_nothing_of_records_that_few_models_saw():
    scores, deleted = world(10, 4, 3.0, 2)
    deleted[:, 0], deleted[:, 1] = np.arange(10) < 1, np.arange(10) < 2
    asked = np.ones(deleted.shape, bool)
    asked[:, 2] = deleted[:, 2]
    found = told(np.where(asked, scores, np.nan), deleted, asked=asked)
    assert found.known.tolist() == [False, True, False, True]
    for figure in (found.auc, found.p, found.accuracy):
        assert np.array_equal(np.isnan(figure), ~found.known)
    assert np.array_equal(np.isnan(found.scores), ~(asked & found.known))
    assert found.accuracy_interval(0) is None
    low, high = found.accuracy_interval(3)
    assert 0 <= low <= found.accuracy[3] <= high <= 1
    nobody = told(scores, np.zeros_like(deleted))
    assert not nobody.known.any()
    assert nobody.pooled["auc"].value is None


def test_u_lira_finds_what_is_left_and_nothing_where_nothing_is():
    nothing = told(*world(16, 60, 0.0, 3))
    low, high = nothing.pooled["auc"].interval
    assert low < 0.5 < high
    # Three standard deviations of a share of 60 records.
    assert np.mean(nothing.p <= 0.05) <= 0.05 + 3 * (0.05 * 0.95 / 60) ** 0.5
    assert np.mean(nothing.auc) == pytest.approx(0.5, abs=0.08)
    left = told(*world(16, 60, 2.0, 3))
    assert left.pooled["auc"].interval[0] > 0.7
    assert np.mean(left.p <= 0.05) > 0.7
    # It makes no difference whether too much or too little was forgotten.
    turned = told(*world(16, 60, -2.0, 3))
    assert turned.pooled["auc"].interval[0] > 0.7


def by_hand(deleted, unseen):
    """The best attack's epsilon of one record, over all thresholds one by one."""
    if np.ptp(deleted) < 0.01 * np.ptp(unseen) or np.ptp(unseen) < 0.01 * np.ptp(deleted):
        return np.inf
    cuts = np.unique(np.concatenate([deleted, unseen]))
    higher = (deleted, unseen) if np.median(deleted) >= np.median(unseen) else (unseen, deleted)
    narrow = (deleted, unseen) if np.ptp(deleted) < np.ptp(unseen) else (unseen, deleted)
    attacks = [(higher, cut, np.inf) for cut in cuts]
    attacks += [(narrow, low, high) for low, high in combinations([*cuts, np.inf], 2)]
    best = 0.0
    for (positive, negative), low, high in attacks:
        fnr = 1 - np.mean((positive >= low) & (positive < high))
        fpr = np.mean((negative >= low) & (negative < high))
        if max(fnr, fpr) < 1e-9:
            return np.inf
        if min(fnr, fpr) > 1e-9:
            ratio = max((1 - DELTA - fpr) / fnr, (1 - DELTA - fnr) / fpr)
            best = max(best, np.log(max(ratio, 1.0)))
    return best


@settings(deadline=None, max_examples=40)
@given(st.integers(2, 9), st.integers(2, 9), st.sampled_from([2, 5, 1000]), st.integers(0, 1000))
def test_epsilon_is_that_of_the_best_attack(inside, outside, levels, seed):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, levels, (inside + outside, 3)) / 4
    deleted = np.argsort(rng.random(scores.shape), axis=0) < inside
    found = quality(scores, deleted, draws=1)
    expected = [by_hand(scores[deleted[:, r], r], scores[~deleted[:, r], r]) for r in range(3)]
    assert found.epsilon == pytest.approx(expected)
    finite = np.isfinite(found.epsilon)
    assert np.all(found.epsilon[finite] <= found.most[finite] + 1e-9)
    assert np.all((found.least >= 0) & (found.least <= found.most))
    assert found.value == pytest.approx(np.mean(points(np.array(expected))))


def test_points_halve_with_every_half_of_an_epsilon():
    epsilon = np.array([0.0, 0.49, 0.5, 1.2, 3.0, np.inf])
    assert points(epsilon).tolist() == [1, 1, 0.5, 0.25, 1 / 64, 0]


def test_quality_is_no_better_than_chance_allows_and_falls_with_what_is_left():
    nothing = quality(*world(16, 60, 0.0, 4), draws=99)
    assert nothing.by_chance[0] < nothing.value < nothing.by_chance[1]
    assert nothing.p > 0.05
    assert not np.any(nothing.least > 0.1)
    left = quality(*world(16, 60, 2.0, 4), draws=99)
    assert left.value < left.by_chance[0] < left.expected
    assert left.p == 0.01
    assert np.mean(left.least > 0) > 0.1


def test_what_models_not_at_hand_would_show_is_bounded_by_what_so_many_can():
    """Randomised response: true of who deleted in e / (1 + e), so that epsilon is 1."""
    rng = np.random.default_rng(5)
    deleted = rng.random((64, 200)) < 0.5
    true = rng.random(deleted.shape) < 1 / (1 + np.exp(-1.0))
    found = quality((deleted == true) + 0.1 * rng.random(deleted.shape), deleted, draws=1)
    assert np.mean(found.least > 1) <= 0.05
    assert np.mean(found.epsilon > 1) > 0.5
    apart = quality(np.arange(16.0)[:, None], np.arange(16)[:, None] < 8, draws=1)
    assert np.isinf(apart.epsilon[0])
    assert apart.least[0] == pytest.approx(0.3156, abs=1e-4)
    assert apart.most[0] == pytest.approx(np.log(7), abs=1e-4)


def test_quality_asks_two_models_a_side():
    scores, deleted = world(10, 3, 0.0, 6)
    deleted[:, 0], deleted[:, 1] = np.arange(10) < 1, np.arange(10) < 2
    asked = np.ones(deleted.shape, bool)
    asked[:, 2] = ~deleted[:, 2]
    found = quality(np.where(asked, scores, np.nan), deleted, asked=asked, draws=1)
    for figure in (found.epsilon, found.most, found.least):
        assert np.isnan(figure).tolist() == [True, False, True]
    nobody = quality(scores, np.zeros_like(deleted))
    assert nobody.value is None
    assert nobody.p is None


def iam_by_hand(signal, references, fitted):
    """One target's, each step with SciPy's law."""
    places = np.linspace(0, 1, STEPS)
    below = np.zeros(len(signal))
    for place, weight in zip(places[:-1], places[1:]):
        moved = (1 - place) * references + place * fitted
        scale = np.sqrt(6) / np.pi * moved.std()
        below += weight * gumbel_r.cdf(signal, moved.mean(axis=0) - np.euler_gamma * scale, scale)
    return 1 - below / places[1:].sum()


@pytest.mark.parametrize("models", [1, 4])
def test_completeness_is_what_is_left_of_the_way_to_fitting(models):
    rng = np.random.default_rng(7)
    signal, references = rng.random((3, 20)), rng.random((models, 20))
    found = completeness(signal, references, 0.9)
    for target in range(3):
        assert found[target] == pytest.approx(iam_by_hand(signal[target], references, 0.9))
    assert completeness(signal[0], references, 0.9) == pytest.approx(found[0])


def test_completeness_leaves_out_models_that_saw_the_record():
    rng = np.random.default_rng(8)
    signal, references = rng.random((2, 10)), rng.random((3, 10))
    outside = np.array([[True], [True], [False]]) & np.ones((3, 10), bool)
    expected = completeness(signal, references[:2], 0.9)
    spoilt = np.where(outside, references, np.nan)
    assert completeness(signal, spoilt, 0.9, outside) == pytest.approx(expected)
    outside[:, 0] = False
    found = completeness(signal, spoilt, 0.9, outside)
    assert np.isnan(found).tolist() == [[True] + [False] * 9] * 2
    assert np.isnan(completeness(signal, spoilt, 0.9, np.zeros_like(outside))).all()


@given(st.floats(-80, 0), st.floats(-80, 0))
def test_the_signal_rises_with_confidence_from_0_to_1(one, other):
    low, high = sorted([one, other])
    signal = iam_signal(np.array([low, high]))
    assert 0 <= signal[0] <= signal[1] <= 1


def test_what_was_forgotten_less_is_less_complete():
    rng = np.random.default_rng(9)
    references = rng.normal(0.4, 0.1, (2, 50))
    signals = references.mean(axis=0) + np.linspace(0, 0.5, 6)[:, None]
    found = completeness(signals, references, 0.9)
    assert np.all((found >= 0) & (found <= 1))
    assert np.all(np.diff(found, axis=0) < 0)
