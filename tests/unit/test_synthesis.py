"""Records for shadows: climbs on a target's confidence, marginals, and noise."""

from dataclasses import replace

import numpy as np
import pytest

from mia_dual.errors import DataError
from mia_dual.seeds import generator
from mia_dual.signals import confidences
from mia_dual.synthesis import climbing
from mia_dual.synthesis.climbing import Climb, synthesise
from mia_dual.synthesis.made import even_labels
from mia_dual.synthesis.marginals import draw_class_marginals, draw_marginals
from mia_dual.synthesis.noisy import add_noise
from mia_dual.synthesis.ranges import find_ranges

RNG = np.random.default_rng(0)
CLASSES = 6
BINARY = RNG.integers(0, 2, (50, 40)).astype(np.float32)
LEVELS = RNG.integers(3, 19, (200, 30)).astype(np.float32)
NUMBERS = RNG.normal(size=(50, 20)).astype(np.float32)
PIXELS = RNG.integers(0, 256, (50, 1, 6, 6)).astype(np.uint8)
MIXED = np.concatenate([BINARY[:, :10], LEVELS[:50, :10], NUMBERS[:, :10]], axis=1)
KINDS = {"binary": BINARY, "levels": LEVELS, "numbers": NUMBERS, "pixels": PIXELS, "mixed": MIXED}
CLIMB = Climb(k_max=16, k_min=2, conf_min=0.6, rej_max=3, iter_max=400, candidates=32)


class Target:
    """A linear classifier of records like ``features``; notes what it was asked."""

    def __init__(self, features, steepness=1.0, noise=0.0):
        flat = features.reshape(len(features), -1).astype(np.float64)
        self.mean, self.scale = flat.mean(axis=0), flat.std(axis=0)
        rng = np.random.default_rng(1)
        self.weights = steepness * rng.normal(size=(flat.shape[1], CLASSES))
        self.noise, self.rng = noise, np.random.default_rng(2)
        self.asked = []

    def __call__(self, features):
        self.asked.append(features)
        flat = features.reshape(len(features), -1).astype(np.float64)
        said = confidences((flat - self.mean) / self.scale @ self.weights)
        return said + self.rng.uniform(-self.noise, self.noise, said.shape).astype(np.float32)


def climbs(target, features, records=60, climb=CLIMB, part=None, seed=0):
    ranges, labels = find_ranges(features), even_labels(records, CLASSES)
    part = part or range(records)
    return synthesise(target, ranges, labels, part, climb, seed, lambda found: None)


def assert_within(made, features):
    """Pixels may be any, whichever were seen."""
    if features.dtype != np.uint8:
        assert (made >= features.min(axis=0)).all()
        assert (made <= features.max(axis=0)).all()


@pytest.mark.parametrize("kind", KINDS)
def test_climbs_find_records_of_every_class_within_the_ranges(kind):
    features = KINDS[kind]
    target = Target(features)
    made = climbs(target, features)
    assert (made.features.shape, made.features.dtype) == ((60, *features.shape[1:]), features.dtype)
    assert np.bincount(made.labels).tolist() == [10] * CLASSES
    said = target(made.features)
    assert np.array_equal(said.argmax(axis=1), made.labels)
    assert (said.max(axis=1) > CLIMB.conf_min).all()
    # What is asked has the form of a record, whatever the climb.
    asked = np.concatenate(target.asked)
    assert_within(asked, features)
    if kind != "numbers":
        whole = asked[..., :20] if kind == "mixed" else asked
        assert np.array_equal(whole, np.floor(whole))
    if kind == "binary":
        assert set(np.unique(asked)) == {0, 1}
    if kind == "mixed":
        assert (asked[:, 20:] != np.floor(asked[:, 20:])).any()


def test_climbs_differ_and_follow_the_seed():
    one, same, other = (climbs(Target(BINARY), BINARY, seed=seed) for seed in (0, 0, 1))
    assert np.array_equal(one.features, same.features)
    assert not np.array_equal(one.features, other.features)
    assert len(np.unique(one.features, axis=0)) == 60


def test_queries_are_counted_and_asked_side_by_side():
    target = Target(BINARY)
    made = climbs(target, BINARY)
    assert made.queries.sum() == sum(map(len, target.asked))
    assert (made.queries >= 1).all()
    assert max(map(len, target.asked)) == CLIMB.candidates
    # Where records are found at different times, the next climbs take their places.
    assert len(target.asked) < made.queries.sum() / 4


@pytest.mark.parametrize("candidates", [1, 7, 1000])
def test_a_record_does_not_depend_on_who_climbs_beside_it(candidates):
    whole = climbs(Target(BINARY), BINARY)
    other = climbs(Target(BINARY), BINARY, climb=replace(CLIMB, candidates=candidates))
    assert np.array_equal(whole.features, other.features)
    assert np.array_equal(whole.queries, other.queries)
    parts = [climbs(Target(BINARY), BINARY, part=part) for part in (range(25), range(25, 60))]
    assert np.array_equal(whole.features, np.concatenate([part.features for part in parts]))
    assert np.array_equal(whole.labels, np.concatenate([part.labels for part in parts]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_millionth_of_confidence_parts_hardly_a_climb(kind):
    features = KINDS[kind]
    exact, noisy = (climbs(Target(features, noise=noise), features, 200) for noise in (0, 1e-6))
    parted = (exact.features != noisy.features).reshape(200, -1).any(axis=1)
    assert parted.sum() <= 2
    assert np.array_equal(exact.queries[~parted], noisy.queries[~parted])


def test_a_plateau_would_part_climbs_without_the_margin(monkeypatch):
    def stepped(noise):
        """Says the same of many records, as a tree does."""
        target, rng = Target(BINARY), np.random.default_rng(3)
        return lambda features: (
            np.round(target(features), 1) + rng.uniform(0, noise, (len(features), CLASSES))
        ).astype(np.float32)

    def parted():
        exact, noisy = (climbs(stepped(noise), BINARY, 100) for noise in (0, 1e-6))
        return int((exact.features != noisy.features).any(axis=1).sum())

    assert parted() == 0
    monkeypatch.setattr(climbing, "MARGIN", 0.0)
    assert parted() > 30


def test_small_steps_down_never_add_up():
    """A target that says a little less each time: only what is within the margin is kept."""
    asked = []

    def ask(features):
        asked.append(features[0].copy())
        said = np.zeros((1, CLASSES), np.float32)
        said[0, 0] = 0.5 - len(asked) * 6e-5
        return said

    climb = replace(CLIMB, k_max=1, k_min=1, conf_min=0.9, candidates=1, iter_max=1000)
    with pytest.raises(DataError, match="class 0 is out of reach"):
        climbs(ask, BINARY, part=range(1), climb=climb)
    # One step is within the margin and is taken; from there on, nothing is.
    distances = [int((record != asked[1]).sum()) for record in asked[2:1000]]
    assert set(distances) == {1}


def test_fewer_features_change_after_changes_in_vain():
    """Of a target that is never surer than at first, all changes are in vain."""
    asked = []

    def ask(features):
        asked.append(features[0].copy())
        said = np.zeros((1, CLASSES), np.float32)
        said[0, 0] = 0.5 if len(asked) == 1 else 0.1
        return said

    climb = replace(CLIMB, conf_min=0.9, candidates=1, iter_max=20)
    with pytest.raises(DataError, match="out of reach"):
        climbs(ask, BINARY, part=range(1), climb=climb)
    changed = [int((record != asked[0]).sum()) for record in asked[1:20]]
    # Four in vain (rej_max 3 and one more), then half of them, down to k_min.
    assert changed == [16] * 4 + [8] * 4 + [4] * 4 + [2] * 7


def test_a_record_is_given_back_with_the_probability_of_its_confidence():
    def ask(features):
        return np.tile(np.array([0.7, 0.3, 0, 0, 0, 0], np.float32), (len(features), 1))

    made = synthesise(
        ask, find_ranges(BINARY), np.zeros(4000, np.int64), range(4000), CLIMB, 0, lambda n: None
    )
    assert made.queries.mean() == pytest.approx(1 / 0.7, abs=0.05)


def test_a_class_out_of_reach_is_named():
    def ask(features):
        """Knows classes 0 to 3, and takes nothing for another."""
        said = Target(BINARY)(features)
        said[:, 4:] *= 0.01
        return said

    with pytest.raises(DataError) as refused:
        climbs(ask, BINARY, climb=replace(CLIMB, iter_max=30))
    for word in ("class 4", "30 queries", "conf_min", "0.6", "rej_max 3", "iter_max"):
        assert word in str(refused.value)


def test_more_features_to_change_than_there_are_change_all():
    made = climbs(Target(NUMBERS), NUMBERS, climb=replace(CLIMB, k_max=1000))
    assert len(made.features) == 60


@pytest.mark.parametrize("kind", KINDS)
def test_noise_replaces_its_share_of_features(kind):
    features = KINDS[kind]
    labels = np.arange(len(features)) % CLASSES
    ranges, count = find_ranges(features), features[0].size
    exact, noisy = (
        add_noise(features, labels, ranges, 40, noise, generator(0, "test")) for noise in (0.0, 0.2)
    )
    # Without noise these are real records, each once, with their labels.
    places = [np.flatnonzero((features == record).all(axis=tuple(range(1, features.ndim))))
              for record in exact.features]  # fmt: skip
    assert all(len(place) == 1 for place in places)
    places = np.concatenate(places)
    assert len(set(places)) == 40
    assert np.array_equal(labels[places], exact.labels)
    assert np.array_equal(exact.labels, noisy.labels)
    assert noisy.queries.sum() == 0
    assert noisy.features.dtype == features.dtype
    changed = (exact.features != noisy.features).reshape(40, -1).sum(axis=1)
    wanted = round(0.2 * count)
    if kind == "binary":
        assert (changed == wanted).all()
    else:
        # A value may be drawn again.
        assert (changed <= wanted).all()
        assert changed.mean() > 0.8 * wanted
    assert_within(noisy.features, features)


def test_marginals_keep_each_feature_and_no_company():
    rng = np.random.default_rng(5)
    first = rng.random(2000) < 0.3
    features = np.stack([first, first, rng.random(2000) < 0.8], axis=1).astype(np.float32)

    def ask(records):
        return np.stack([1 - records[:, 2], records[:, 2]], axis=1)

    made = draw_marginals(features, 6000, ask, generator(0, "test"))
    assert made.features.mean(axis=0) == pytest.approx(features.mean(axis=0), abs=0.03)
    # Both were equal in every real record; by themselves they are so in .58 of them.
    assert (made.features[:, 0] == made.features[:, 1]).mean() == pytest.approx(0.58, abs=0.03)
    assert np.array_equal(made.labels, made.features[:, 2])
    assert made.queries.tolist() == [1] * 6000


def test_marginals_of_classes_are_each_classs_own():
    labels = np.arange(300) % 3
    features = (labels[:, None] * 10 + RNG.integers(0, 3, (300, 4))).astype(np.uint8)
    made = draw_class_marginals(features, labels, 3, 100, generator(0, "test"))
    assert np.bincount(made.labels).tolist() == [34, 33, 33]
    assert np.array_equal(made.features // 10, np.repeat(made.labels[:, None], 4, axis=1))
    assert made.queries.sum() == 0
    known = labels < 2
    with pytest.raises(DataError, match=r"class 2 has no record among the 200.*estimated_on"):
        draw_class_marginals(features[known], labels[known], 3, 100, generator(0, "test"))
