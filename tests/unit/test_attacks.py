"""Attacks learn from shadows alone, class by class."""

import numpy as np
import pytest

from mia_dual import metrics
from mia_dual.attacks.evidence import Evidence, gather_evidence
from mia_dual.attacks.sklearn_models import SklearnAttack
from mia_dual.errors import DataError
from mia_dual.plan.splits import Membership


def shadow(members, non_members):
    return Membership(np.array(members), np.array(non_members))


def test_evidence_keeps_each_output_with_its_record():
    labels = np.array([0, 1, 0, 1, 0, 1, 0, 1, 0, 0])
    one = shadow([0, 1, 4], [2, 3, 8])
    other = shadow([5, 6, 7], [1, 9])
    # Each output names its record and shadow, so that a mix-up shows.
    outputs = [
        np.stack([part.rows, np.full(len(part.rows), number)], axis=1)
        for number, part in enumerate((one, other))
    ]
    evidence = gather_evidence([one, other], outputs, labels, classes=2, seed=0)
    for (record, number), label, member in zip(
        evidence.confidences, evidence.labels, evidence.membership
    ):
        part = (one, other)[int(number)]
        assert label == labels[int(record)]
        assert (record in part.members) == member
        assert (record in part.non_members) == (not member)
    for label in (0, 1):
        of_class = evidence.membership[evidence.labels == label]
        assert of_class.sum() * 2 == len(of_class)


def test_a_class_without_evidence_is_named():
    labels = np.array([0, 1, 0, 0])
    part = shadow([0, 1], [2, 3])
    with pytest.raises(DataError, match=r"class 1 has no shadow.*shadow_members"):
        gather_evidence([part], [np.zeros((4, 2))], labels, classes=2, seed=0)


def planted(seed, count=400):
    """Members are surer of their class, in class 0; in class 1 it is the other way round."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, count)
    membership = rng.random(count) < 0.5
    sure = np.where(membership ^ (labels == 1), 0.9, 0.6) + rng.normal(0, 0.05, count)
    confidences = np.empty((count, 2), np.float32)
    confidences[np.arange(count), labels] = sure
    confidences[np.arange(count), 1 - labels] = 1 - sure
    return Evidence(confidences, labels, membership)


@pytest.mark.parametrize("model", ["logistic_regression", "random_forest"])
def test_a_planted_signal_is_found_class_by_class(model):
    attack = SklearnAttack(model, planted(0), seed=0)
    fresh = planted(1)
    scores = attack.scores(fresh.confidences, fresh.labels)
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

    attack = SklearnAttack(model, shuffled(planted(0)), seed=0)
    fresh = shuffled(planted(1))
    found = metrics.auc(fresh.membership, attack.scores(fresh.confidences, fresh.labels))
    assert 0.4 < found < 0.6
