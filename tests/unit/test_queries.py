"""Altered copies of records: what they are, and that each depends on its own record alone."""

import json

import numpy as np
import pytest

from mia_dual.data.load import load_dataset
from mia_dual.data.records import as_records
from mia_dual.errors import ConfigError, DataError
from mia_dual.interface import Records
from mia_dual.queries.choice import choose_alterations, nearest_shifts, noises
from mia_dual.queries.images import Mirror, Shift
from mia_dual.queries.noise import Noise, spread

ALL = ("shift", "mirror", "noise")


@pytest.fixture(scope="module")
def images():
    return as_records(load_dataset("digits"), "convnet", None)


@pytest.fixture(scope="module")
def rows_of_numbers():
    features = np.random.default_rng(0).normal(size=(300, 3)).astype(np.float32) * [1, 10, 100]
    return Records(features.astype(np.float32), np.arange(300) % 4)


def alterations(records, **settings):
    kinds = ALL if records.features.ndim == 4 else ("noise",)
    return choose_alterations(kinds, records.features.shape[1:], seed=3, **settings)


@pytest.mark.parametrize("kind", ["images", "rows_of_numbers"])
def test_a_copy_depends_on_its_own_record_alone(kind, request):
    records = request.getfixturevalue(kind)
    before = records.features.copy()
    rows = np.array([7, 2, 250])
    for alteration in alterations(records, draws=2, levels=(0.5,)):
        together = alteration.apply(records, rows)
        assert together.features.dtype == records.features.dtype
        assert together.features.shape == (3, *records.features.shape[1:])
        assert (together.scale, together.shift) == (records.scale, records.shift)
        np.testing.assert_array_equal(together.labels, records.labels[rows])
        for place, row in enumerate(rows):
            alone = alteration.apply(records, np.array([row]))
            np.testing.assert_array_equal(alone.features[0], together.features[place])
        assert not np.array_equal(together.features, records.features[rows])
    np.testing.assert_array_equal(records.features, before)


def test_alterations_are_told_apart_by_what_a_key_holds(images):
    chosen = alterations(images, shifts=12, draws=2, levels=(0.1, 0.2))
    assert len(chosen) == 12 + 1 + 4
    assert len({json.dumps(alteration.describe()) for alteration in chosen}) == len(chosen)
    assert len({alteration.name for alteration in chosen}) == len(chosen)
    assert Shift(1, 0, "edge").describe() != Shift(1, 0, "background").describe()
    assert Noise(0.1, 0, seed=1).describe() != Noise(0.1, 0, seed=2).describe()


def test_shifts_move_and_fill_as_they_say():
    image = np.arange(1, 10, dtype=np.uint8).reshape(1, 1, 3, 3)
    records = Records(image, np.zeros(1, np.int64))
    rows = np.zeros(1, np.int64)

    def moved(*shift):
        return Shift(*shift).apply(records, rows).features[0, 0].tolist()

    assert moved(1, 0) == [[1, 2, 3], [1, 2, 3], [4, 5, 6]]
    assert moved(0, -1) == [[2, 3, 3], [5, 6, 6], [8, 9, 9]]
    assert moved(-1, 2) == [[4, 4, 4], [7, 7, 7], [7, 7, 7]]
    # The background is the image's own least value.
    assert moved(1, 1, "background") == [[1, 1, 1], [1, 1, 2], [1, 4, 5]]
    assert moved(0, 0, "background") == image[0, 0].tolist()
    assert Shift(-1, 2).name == "shift 1 up 2 right"
    with pytest.raises(DataError, match="3 x 3 pixels out of sight"):
        Shift(3, 0).apply(records, rows)


def test_the_nearest_shifts_come_first():
    assert {(shift.down, shift.right) for shift in nearest_shifts(4)} == {
        (1, 0), (-1, 0), (0, 1), (0, -1),
    }  # fmt: skip
    twelve = nearest_shifts(12)
    assert len(set(twelve)) == 12
    assert all(1 <= abs(shift.down) + abs(shift.right) <= 2 for shift in twelve)
    assert nearest_shifts(13)[:12] == twelve
    assert nearest_shifts(0) == []


def test_a_mirrored_mirror_is_the_image(images):
    rows = np.arange(5)
    once = Mirror().apply(images, rows)
    np.testing.assert_array_equal(once.features[..., 0], images.features[rows][..., -1])
    np.testing.assert_array_equal(Mirror().apply(once, rows).features, images.features[rows])


def test_noise_is_in_units_of_each_features_spread(rows_of_numbers):
    records = rows_of_numbers
    rows = np.arange(300)
    noisy = Noise(0.5, 0, seed=1).apply(records, rows).features
    added = (noisy - records.features).std(axis=0) / records.features.std(axis=0)
    assert added == pytest.approx([0.5, 0.5, 0.5], rel=0.15)
    # A feature that never changes gets none.
    constant = Records(np.full((4, 2), 7, np.float32), np.zeros(4, np.int64))
    np.testing.assert_array_equal(
        Noise(1.0, 0, seed=1).apply(constant, np.arange(4)).features, constant.features
    )


def test_rising_levels_walk_on_one_line(rows_of_numbers):
    rows = np.array([4, 9])
    near, far = (
        noise.apply(rows_of_numbers, rows).features - rows_of_numbers.features[rows]
        for noise in noises(seed=0, draws=1, levels=(0.4, 0.1))
    )
    np.testing.assert_allclose(far, 4 * near, rtol=1e-3, atol=1e-4)
    other = noises(seed=0, draws=2, levels=(0.1,))[1].apply(rows_of_numbers, rows)
    assert not np.allclose(other.features - rows_of_numbers.features[rows], near, rtol=0.1)


def test_noisy_pixels_stay_pixels(images):
    rows = np.arange(50)
    noisy = Noise(10.0, 0, seed=0).apply(images, rows).features
    # Without clipping, values would wrap round and few would be at the ends.
    ends = (noisy == 0).mean() + (noisy == 255).mean()
    assert ends > 0.85
    assert spread(images).shape == ()


@pytest.mark.parametrize(
    ("kinds", "shape", "settings", "error", "message"),
    [
        (("shift", "turn"), (1, 8, 8), {}, ConfigError, "no kind 'turn': choose of shift, mirror"),
        (("noise", "noise"), (4,), {}, ConfigError, "'noise' is there twice"),
        (("mirror",), (4,), {}, DataError, "'mirror' alters images.*rows of 4 numbers"),
        (("shift",), (4,), {}, DataError, "'shift' alters images"),
        (("noise",), (4,), {"levels": (0.1, -1.0)}, ConfigError, "level -1.0"),
        (("noise",), (4,), {"levels": (float("nan"),)}, ConfigError, "level nan"),
    ],
)
def test_what_cannot_be_altered_is_refused(kinds, shape, settings, error, message):
    with pytest.raises(error, match=message):
        choose_alterations(kinds, shape, 0, **settings)


def test_rows_of_numbers_are_neither_shifted_nor_mirrored(rows_of_numbers):
    for alteration in (Shift(1, 0), Mirror()):
        with pytest.raises(DataError, match="alters images"):
            alteration.apply(rows_of_numbers, np.arange(2))
