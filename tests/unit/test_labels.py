"""Classes are merged, members mislabelled, and records chosen for deletion by what they are."""

import numpy as np
import pytest

from mia_dual.config import Config, load_config
from mia_dual.data.load import load_dataset
from mia_dual.errors import ConfigError
from mia_dual.plan.draft import draft_plan
from mia_dual.plan.labels import configured, mislabelled
from mia_dual.plan.typicality import strangeness

SPLIT = {"target_members": 200, "target_non_members": 100, "shadow_members": 150}


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


def config_of(data=(), **settings):
    return Config.model_validate(
        {"split": SPLIT, "shadows": {"count": 3}, "data": dict(data), **settings}
    )


def plan_of(config, dataset):
    dataset = configured(dataset, config)
    return draft_plan(config, dataset.labels, dataset.classes, dataset.features)


def test_nothing_asked_for_is_nothing_changed(digits):
    assert configured(digits, config_of()) is digits


def test_merged_classes_are_remainders(digits):
    merged = configured(digits, config_of({"merge_classes": 2}))
    assert merged.classes == 2
    assert np.array_equal(merged.labels, digits.labels % 2)
    assert merged.features is digits.features
    assert merged.digest() != digits.digest()
    with pytest.raises(ConfigError, match=r"data.merge_classes: 11 .* 10 of data 'digits'"):
        configured(digits, config_of({"merge_classes": 11}))


def test_only_members_of_the_target_are_mislabelled_and_all_wrongly(digits):
    config = config_of({"mislabelled": 0.1})
    changed = np.flatnonzero(configured(digits, config).labels != digits.labels)
    plan = plan_of(config, digits)
    assert np.array_equal(changed, np.sort(mislabelled(config, plan.split.target.members)))
    assert len(changed) == 20
    assert np.isin(changed, plan.split.target.members).all()
    labels = configured(digits, config).labels
    assert ((labels >= 0) & (labels < 10)).all()
    more = config_of({"mislabelled": 0.3})
    assert np.isin(changed, mislabelled(more, plan.split.target.members)).all()
    other = configured(digits, config_of({"mislabelled": 0.1}, seed=1))
    assert not np.array_equal(other.labels, labels)


def test_mislabelled_records_are_deleted_as_far_as_they_go(digits):
    config = config_of({"mislabelled": 0.1},
                       deletion={"choice": "mislabelled", "ratios": [0.05, 0.1]})  # fmt: skip
    plan = plan_of(config, digits)
    wrong = np.flatnonzero(configured(digits, config).labels != digits.labels)
    few, all_of_them = plan.requests
    assert np.array_equal(all_of_them.deleted, wrong)
    assert len(few.deleted) == 10
    assert np.isin(few.deleted, wrong).all()
    assert [request.name for request in plan.requests] == ["5% mislabelled", "10% mislabelled"]
    assert "full-5pct-mislabelled" in plan.models
    with pytest.raises(ConfigError, match=r"0.2 is 40 records, .* 20 are mislabelled: lower it"):
        plan_of(config_of({"mislabelled": 0.1},
                          deletion={"choice": "mislabelled", "ratios": [0.2]}), digits)  # fmt: skip


@pytest.mark.parametrize(
    ("assignments", "message"),
    [
        (["deletion.choice=mislabelled"], "deletion.choice: mislabelled needs data.mislabelled"),
        (
            ["deletion.choice=outliers", "deletion.placement=concentrated"],
            "deletion: .* choice: outliers says which records go.*leave placement uniform",
        ),
        (["deletion.choice=best"], "deletion.choice.0: 'best'.*'outliers'"),
        (["data.mislabelled=1"], "data.mislabelled: 1 .*less than 1"),
        (["data.merge_classes=1"], "data.merge_classes: 1 .*at least 2"),
    ],
)
def test_choices_that_cannot_be_made_are_named(assignments, message):
    with pytest.raises(ConfigError, match=message):
        load_config(None, assignments)


def test_outliers_are_unlike_their_class_and_typical_records_like_it(digits):
    chosen = {
        choice: plan_of(config_of(deletion={"choice": choice, "ratios": [0.2]}), digits)
        for choice in ("random", "outliers", "typical")
    }
    members = chosen["random"].split.target.members
    means = [digits.features[members[digits.labels[members] == label]].mean(axis=0)
             for label in range(10)]  # fmt: skip

    def distance(rows):
        return np.mean([
            np.linalg.norm(digits.features[row] - means[digits.labels[row]]) for row in rows
        ])  # fmt: skip

    typical, anyone, outliers = (
        distance(chosen[choice].requests[0].deleted) for choice in ("typical", "random", "outliers")
    )
    assert typical < anyone < outliers
    # No class holds all the outliers because it is the most varied.
    assert len(np.unique(digits.labels[chosen["outliers"].requests[0].deleted])) >= 8


def test_more_outliers_hold_the_fewer(digits):
    plan = plan_of(config_of(deletion={"choice": "outliers", "ratios": [0.1, 0.3]}), digits)
    few, many = plan.requests
    assert np.isin(few.deleted, many.deleted).all()


def test_the_unit_of_a_feature_does_not_matter():
    rng = np.random.default_rng(0)
    features = rng.normal(size=(60, 4)).astype(np.float32)
    labels, members = np.arange(60) % 3, np.arange(10, 50)
    found = strangeness(features, labels, members)
    scaled = strangeness(features * np.float32([1, 1024, 0.25, 8]), labels, members)
    assert found == pytest.approx(scaled)
    for label in range(3):
        assert found[labels[members] == label].mean() == pytest.approx(1)
    assert (strangeness(np.ones((60, 4), np.float32), labels, members) == 0).all()
