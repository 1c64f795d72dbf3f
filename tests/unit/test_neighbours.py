"""The nearest retained records of deleted ones, and who stands for those that are not."""

import numpy as np
import pytest

from mia_dual.data.load import load_dataset
from mia_dual.forgetting import neighbours
from mia_dual.forgetting.neighbours import nearest_retained
from mia_dual.seeds import generator

MEMBERS = np.arange(0, 1600, 2)


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


def find(features, labels, deleted, count, seed=0):
    rng = generator(seed, "neighbours")
    return nearest_retained(features, labels, MEMBERS, deleted, count, rng)


@pytest.mark.parametrize("count", [1, 5])
def test_they_are_the_nearest_of_their_class(digits, count):
    deleted = MEMBERS[::20]
    retained = np.setdiff1d(MEMBERS, deleted)
    flat = digits.features.reshape(len(digits.features), -1).astype(float)
    wanted = set()
    for record in deleted:
        same = retained[digits.labels[retained] == digits.labels[record]]
        far = ((flat[same] - flat[record]) ** 2).sum(axis=1)
        wanted |= set(same[np.argsort(far, kind="stable")[:count]].tolist())
    assert find(digits.features, digits.labels, deleted, count).near.tolist() == sorted(wanted)


def test_the_control_is_of_the_same_classes_and_of_nobody_near(digits):
    deleted = MEMBERS[digits.labels[MEMBERS] < 4][:40]
    found = find(digits.features, digits.labels, deleted, 2)
    assert len(found.near)
    assert not np.intersect1d(found.control, np.concatenate([found.near, deleted])).size
    assert np.isin(found.control, MEMBERS).all()
    near, control = (np.bincount(digits.labels[rows]) for rows in (found.near, found.control))
    assert np.array_equal(near, control)
    again = find(digits.features, digits.labels, deleted, 2)
    assert np.array_equal(again.control, found.control)
    other = find(digits.features, digits.labels, deleted, 2, seed=1)
    assert np.array_equal(other.near, found.near)
    assert not np.array_equal(other.control, found.control)


def test_units_of_numbers_do_not_matter_and_those_of_pixels_are_one(digits):
    numbers = digits.features.reshape(len(digits.features), -1).astype(np.float32)
    deleted = MEMBERS[::20]
    plain = find(numbers, digits.labels, deleted, 3)
    scaled = find(numbers * 2.0 ** (np.arange(64) % 7), digits.labels, deleted, 3)
    assert np.array_equal(scaled.near, plain.near)
    assert not np.array_equal(find(digits.features, digits.labels, deleted, 3).near, plain.near)


def test_of_equals_the_first_are_near(digits):
    equal = np.ones_like(digits.features)
    labels = np.zeros_like(digits.labels)
    assert find(equal, labels, MEMBERS[:1], 3).near.tolist() == MEMBERS[1:4].tolist()


def test_a_class_of_few_is_near_as_a_whole_and_a_deleted_one_has_no_neighbours(digits):
    of_three = MEMBERS[digits.labels[MEMBERS] == 3]
    few = find(digits.features, digits.labels, of_three[:-2], 5)
    assert few.near.tolist() == of_three[-2:].tolist()
    assert few.control.size == 0
    none = find(digits.features, digits.labels, of_three, 5)
    assert none.near.size == none.control.size == 0


def test_how_much_is_held_at_a_time_moves_nothing(digits, monkeypatch):
    deleted = MEMBERS[::10]
    whole = find(digits.features, digits.labels, deleted, 4)
    monkeypatch.setattr(neighbours, "DISTANCES_AT_ONCE", 1)
    apart = find(digits.features, digits.labels, deleted, 4)
    assert np.array_equal(apart.near, whole.near)
    assert np.array_equal(apart.control, whole.control)
