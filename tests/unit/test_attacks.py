"""Attacks learn from shadows alone, class by class."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mia_dual import metrics
from mia_dual.answers import Answers
from mia_dual.attack_settings import AttackSettings
from mia_dual.attacks import cuts as thresholds
from mia_dual.attacks.base import Known, Need
from mia_dual.attacks.choice import Choice
from mia_dual.attacks.cuts import anchor_cuts, balanced_cut, fit_cuts
from mia_dual.attacks.evidence import Evidence, gather_evidence
from mia_dual.attacks.features import Features
from mia_dual.attacks.references import Shadows
from mia_dual.attacks.sklearn_models import SklearnScorer
from mia_dual.errors import ConfigError
from mia_dual.plan.plan import single
from mia_dual.plan.splits import Membership
from mia_dual.signals import log_odds


def shadow(members, non_members):
    return Membership(np.array(members), np.array(non_members))


def test_evidence_keeps_each_output_with_its_record():
    labels = np.array([0, 1, 0, 1, 0, 1, 0, 1, 0, 0])
    one = shadow([0, 1, 4], [2, 3, 8])
    other = shadow([5, 6, 7], [1, 9])
    # Each output's confidences name its record and shadow, so that a mix-up shows.
    outputs = [
        np.log(np.stack([part.rows + 1, np.full(len(part.rows), number + 1)], axis=1))
        for number, part in enumerate((one, other))
    ]
    evidence = gather_evidence([one, other], outputs, labels, seed=0)
    for confidence, label, member in zip(
        evidence.confidences, evidence.labels, evidence.membership
    ):
        matches = [
            (record, part)
            for number, part in enumerate((one, other))
            for record in part.rows
            if np.isclose(confidence[0] / confidence[1], (record + 1) / (number + 1))
        ]
        assert any(
            label == labels[record] and member == (record in part.members)
            for record, part in matches
        )
    for label in (0, 1):
        of_class = evidence.membership[evidence.labels == label]
        assert of_class.sum() * 2 == len(of_class)


def planted(seed, count=400):
    """Members are surer of their class, in class 0; in class 1 it is the other way round."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    membership = rng.random(count) < 0.5
    sure = np.where(membership ^ (labels == 1), 0.9, 0.6) + rng.normal(0, 0.05, count)
    sure = np.clip(sure, 0.01, 0.99)
    confidences = np.empty((count, 2), np.float32)
    confidences[np.arange(count), labels] = sure
    confidences[np.arange(count), 1 - labels] = 1 - sure
    return Evidence(np.log(confidences), labels, membership)


class Says:
    """Models that say ``logits`` (models, rows, classes) of ``rows``, or of all records."""

    def __init__(self, logits, rows=None):
        self._logits, self._rows = logits, rows

    def logits(self, rows):
        places = rows if self._rows is None else np.searchsorted(self._rows, rows)
        return self._logits[:, places]


def scores_of(model, learnt, asked):
    scorer = SklearnScorer(learnt, asked.labels, model, Features("all"), seed=0)
    rows = np.arange(len(asked.labels))
    return scorer.scores(Says(asked.logits[None]), rows)[0]


@pytest.mark.parametrize("model", ["logistic_regression", "random_forest"])
def test_a_planted_signal_is_found_class_by_class(model):
    fresh = planted(1)
    scores = scores_of(model, planted(0), fresh)
    assert scores.min() >= 0
    assert scores.max() <= 1
    assert metrics.auc(fresh.membership, scores) > 0.95
    # One threshold for both classes would be at .5 here: the signs are opposite.
    assert metrics.accuracy(fresh.membership, scores > 0.5) > 0.9


@pytest.mark.parametrize("model", ["logistic_regression", "random_forest"])
def test_no_signal_gives_no_success(model):
    rng = np.random.default_rng(2)

    def shuffled(evidence):
        membership = rng.permutation(evidence.membership)
        return Evidence(evidence.logits, evidence.labels, membership)

    fresh = shuffled(planted(1))
    assert 0.4 < metrics.auc(fresh.membership, scores_of(model, shuffled(planted(0)), fresh)) < 0.6


@pytest.mark.parametrize("model", ["logistic_regression", "random_forest"])
def test_many_models_are_scored_as_each_alone(model):
    fresh = planted(1)
    scorer = SklearnScorer(planted(0), fresh.labels, model, Features("all"), seed=0)
    rows = np.arange(0, 400, 3)
    logits = np.random.default_rng(0).normal(size=(4, len(rows), 2)).astype(np.float32)
    together = scorer.scores(Says(logits, rows), rows)
    assert together.shape == (4, len(rows))
    for one, alone in zip(together, logits):
        assert np.array_equal(one, scorer.scores(Says(alone[None], rows), rows)[0])


def test_a_forest_is_known_by_trees_that_never_saw_the_record():
    """On its own members' outputs a forest is far too sure; thresholds must not be fitted there."""
    rng = np.random.default_rng(2)
    learnt, fresh = planted(0), planted(1)
    noise = Evidence(learnt.logits, learnt.labels, rng.permutation(learnt.membership))
    scorer = SklearnScorer(noise, fresh.labels, "random_forest", Features("all"), seed=0)
    known = scorer.known()
    own = scorer.scores(Says(noise.logits[None]), np.arange(400))[0]
    told = metrics.auc(known.membership, known.scores)
    assert metrics.auc(noise.membership, own) > told + 0.05
    assert 0.4 < told < 0.57


def chosen(offered, **settings):
    choice = Choice(frozenset(offered), None, None, seed=0)
    return choice.attacks(AttackSettings.model_validate(settings))


def test_what_an_attack_needs_and_does_not_get_is_said():
    running, lacking = chosen({Need.SHADOWS, Need.OUT}, models=["fcnet", "random_forest"])
    names = [attack.name for attack in running]
    assert {"loss", "shadow_random_forest", "lira_offline", "base", "rmia_offline"} <= set(names)
    assert {"shadow_fcnet", "lira_online", "rmia_online", "attack_p"} <= lacking.keys()
    assert not lacking.keys() & set(names)
    assert "trained with the record" in lacking["lira_online"]
    assert "shadows.design: in_and_out" in lacking["lira_online"]


def test_a_family_that_is_asked_for_and_cannot_run_is_refused():
    running, lacking = chosen({Need.SHADOWS, Need.OUT}, families=["lira"])
    assert ([attack.name for attack in running], list(lacking)) == (
        ["lira_offline"], ["lira_online"],
    )  # fmt: skip
    with pytest.raises(ConfigError, match=r"'attack_p' cannot run here: it needs records that"):
        chosen({Need.SHADOWS, Need.OUT}, families=["lira", "population"])
    with pytest.raises(ConfigError, match=r"'shadow_fcnet' .*set attack.models=\[random_forest\]"):
        chosen({Need.SHADOWS}, families=["shadow"])


def test_anchors_mistake_no_more_than_the_share_of_either_side():
    rng = np.random.default_rng(0)
    membership = np.repeat([True, False], [500, 2000])
    scores = rng.normal(size=2500) + 2 * membership
    for mistakes in (0.0, 0.01, 0.1):
        over, under = anchor_cuts(Known(scores, membership), mistakes)
        assert (scores[~membership] > over).mean() == mistakes
        assert (scores[membership] < under).mean() == mistakes
    assert (scores[membership] > over).mean() > 0.5
    assert anchor_cuts(None, 0.1) == (np.inf, -np.inf)
    over, under = anchor_cuts(Known(scores[500:], membership[500:]), 0.1)
    assert np.isfinite(over)
    assert under == -np.inf


def test_a_signal_is_told_shadow_by_shadow_as_of_all_their_evidence():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 900)
    names = [f"shadow-{number}" for number in range(4)]
    drawn = [rng.permutation(900)[: 600 + 10 * number] for number in range(4)]
    memberships = [shadow(np.sort(rows[:250]), np.sort(rows[250:])) for rows in drawn]
    logits = {name: rng.normal(0, 5, (900, 3)).astype(np.float32) for name in names}
    answers = Answers(dict.fromkeys(names, np.arange(900)), logits, {})
    versions = [single(name) for name in names]
    shadows = Shadows(versions, memberships, answers, labels, labels, 3, seed=0)
    told = shadows.told(log_odds)
    assert "evidence" not in vars(shadows)
    evidence = shadows.evidence
    assert np.array_equal(told.values, log_odds(evidence.logits, evidence.labels))
    assert np.array_equal(told.labels, evidence.labels)
    assert np.array_equal(told.membership, evidence.membership)


@given(st.lists(st.tuples(st.integers(-3, 3), st.booleans()), min_size=2, max_size=60))
def test_a_cut_counted_in_blocks_is_the_cut_of_all(drawn):
    scores, membership = np.array(drawn, float)[:, 0], np.array(drawn, bool)[:, 1]
    assume(membership.any() and not membership.all())
    whole = balanced_cut(scores, membership)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(thresholds, "BLOCK", 7)
        assert balanced_cut(scores, membership) == whole

    def gain(cut):
        return (scores[membership] > cut).mean() - (scores[~membership] > cut).mean()

    between = [-np.inf, *((np.unique(scores)[1:] + np.unique(scores)[:-1]) / 2)]
    assert gain(whole) == pytest.approx(max(0, *map(gain, between)))


def test_cuts_hold_the_rate_they_aim_at_among_references():
    rng = np.random.default_rng(0)
    membership = np.repeat([True, False], [500, 2000])
    scores = rng.normal(size=2500) + membership
    cuts = fit_cuts(Known(scores, membership))
    for cut, rate in zip(cuts[1:], (0.1, 0.01, 0.001)):
        assert (scores[~membership] > cut).mean() == rate
    few = fit_cuts(Known(scores[:600], membership[:600]))
    assert np.isnan(few).tolist() == [False, False, False, True]
    assert np.isnan(fit_cuts(None)).all()
    assert np.isnan(fit_cuts(Known(scores[:500], membership[:500]))).all()


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=30))
def test_no_other_threshold_is_more_often_right(pairs):
    scores = np.array([score for score, _ in pairs], float)
    membership = np.array([member for _, member in pairs])
    if membership.all() or not membership.any():
        return

    def right(cut):
        accused = scores > cut
        return accused[membership].mean() + (~accused)[~membership].mean()

    best = max(right(cut) for cut in (-1.0, *np.unique(scores)))
    assert right(balanced_cut(scores, membership)) == pytest.approx(best)


def test_features_leave_out_what_their_names_say():
    vectors = np.array([[0.1, 0.6, 0.1, 0.2], [0.7, 0.1, 0.15, 0.05]], np.float32)
    labels = np.array([1, 2])
    assert np.array_equal(Features("all").of(vectors), vectors)
    falling = [[0.6, 0.2, 0.1, 0.1], [0.7, 0.15, 0.1, 0.05]]
    np.testing.assert_allclose(Features("sorted").of(vectors), falling, rtol=1e-6)
    np.testing.assert_allclose(Features("top3").of(vectors), np.array(falling)[:, :3], rtol=1e-6)
    assert Features("top3").parts(labels).tolist() == [1, 2]
    assert Features("unlabelled").parts(labels).tolist() == [0, 0]
    relabelled = vectors[:, [2, 0, 3, 1]]
    for name in ("sorted", "top3", "unlabelled"):
        assert np.array_equal(Features(name).of(relabelled), Features(name).of(vectors))
