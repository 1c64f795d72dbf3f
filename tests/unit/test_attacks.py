"""Attacks learn from shadows alone, class by class."""

import numpy as np
import pytest

from mia_dual import metrics
from mia_dual.attacks.base import Need
from mia_dual.attacks.choice import check_needs
from mia_dual.attacks.evidence import Evidence, gather_evidence
from mia_dual.attacks.sklearn_models import SklearnAttack, SklearnScorer
from mia_dual.errors import ConfigError
from mia_dual.plan.splits import Membership


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
    return Evidence(confidences, labels, membership)


def scores_of(model, learnt, asked):
    """Scores of ``asked``, each of whose outputs is the log of its confidences."""
    scorer = SklearnScorer(learnt, asked.labels, model, seed=0)
    return scorer.scores(np.log(asked.confidences)[None], np.arange(len(asked.labels)))[0]


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
        return Evidence(evidence.confidences, evidence.labels, membership)

    fresh = shuffled(planted(1))
    assert 0.4 < metrics.auc(fresh.membership, scores_of(model, shuffled(planted(0)), fresh)) < 0.6


@pytest.mark.parametrize("model", ["logistic_regression", "random_forest"])
def test_many_models_are_scored_as_each_alone(model):
    fresh = planted(1)
    scorer = SklearnScorer(planted(0), fresh.labels, model, seed=0)
    rows = np.arange(0, 400, 3)
    logits = np.random.default_rng(0).normal(size=(4, len(rows), 2)).astype(np.float32)
    together = scorer.scores(logits, rows)
    assert together.shape == (4, len(rows))
    for one, alone in zip(together, logits):
        assert np.array_equal(one, scorer.scores(alone[None], rows)[0])


def test_what_an_attack_needs_and_does_not_get_is_said():
    attack = SklearnAttack("random_forest", seed=0)
    check_needs([attack], frozenset(Need))
    with pytest.raises(ConfigError, match=r"'shadow_random_forest' needs reference models"):
        check_needs([attack], frozenset({Need.ATTACK_MODELS}))
