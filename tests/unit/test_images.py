"""Enlarging images in NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mia_dual.data.dataset import Dataset
from mia_dual.data.images import RECORDS_AT_ONCE, SCALE, SHIFT, enlarge
from mia_dual.data.load import load_dataset
from mia_dual.data.records import as_records, records_digest
from mia_dual.errors import DataError

small = arrays(np.uint8, st.tuples(st.just(2), st.just(1), st.integers(1, 9), st.integers(1, 9)))


@given(small, st.integers(1, 20))
def test_sides_grow_to_the_smallest_and_values_stay_in_range(images, smallest):
    large = enlarge(images, smallest)
    assert large.dtype == np.uint8
    assert large.shape[2:] == tuple(max(side, smallest) for side in images.shape[2:])
    assert images.min() <= large.min()
    assert large.max() <= images.max()
    if min(images.shape[2:]) >= smallest:
        assert np.array_equal(large, images)


def test_it_is_bilinear_between_pixel_centres():
    row = np.array([0, 100], np.float32).reshape(1, 1, 1, 2).repeat(4, axis=2)
    assert enlarge(row, 4)[0, 0, 0].tolist() == [0, 25, 75, 100]


@pytest.mark.parametrize(
    ("network", "size", "side"), [("fcnet", None, 8), ("convnet", None, 16), ("lenet5", None, 28),
                                  ("resnet18", None, 8), ("convnet", 20, 20)],
)  # fmt: skip
def test_digits_are_enlarged_to_what_a_network_needs(tmp_path, monkeypatch, network, size, side):
    monkeypatch.setenv("MIA_DUAL_DATA", str(tmp_path))
    records = as_records(load_dataset("digits"), network, size)
    assert records.features.shape == (1797, 1, side, side)
    inputs = records.inputs(np.arange(1797))
    assert inputs.dtype == np.float32
    assert inputs.min() == -1
    assert inputs.max() == pytest.approx(1)


def test_many_are_enlarged_as_one_by_one():
    images = np.random.default_rng(0).integers(0, 256, (RECORDS_AT_ONCE + 3, 1, 4, 3), np.uint8)
    large = enlarge(images, 6)
    for row in (0, RECORDS_AT_ONCE - 1, RECORDS_AT_ONCE, RECORDS_AT_ONCE + 2):
        assert np.array_equal(large[row : row + 1], enlarge(images[row : row + 1], 6))


def draw(shape, dtype=np.uint8, seed=0):
    values = np.random.default_rng(seed).integers(0, 256, shape).astype(dtype)
    return Dataset("npz", values, np.arange(shape[0]) % 2, 2, shape[0])


SETS = [
    draw((4, 1, 8, 8)),
    draw((4, 1, 8, 8), seed=1),
    draw((4, 1, 8, 8), np.float32),
    draw((4, 1, 20, 8)),
    draw((4, 3, 20, 28)),
    draw((4, 1, 16, 16)),
    draw((4, 64)),
    draw((4, 64), np.float32),
]


def test_the_digest_of_records_is_equal_exactly_when_they_are():
    seen = []
    for dataset in SETS:
        sizes = (None, 1, 8, 15, 16, 17, 28) if dataset.features.ndim == 4 else (None,)
        for network in ("fcnet", "convnet", "lenet5", "package.module:factory"):
            for size in sizes:
                records = as_records(dataset, network, size)
                content = (
                    records.features.dtype.str,
                    records.features.shape,
                    records.features.tobytes(),
                    records.labels.tobytes(),
                    records.scale,
                    records.shift,
                )
                seen.append((content, records_digest(dataset, network, size)))
    assert len({content for content, _ in seen}) > 20
    for content, digest in seen:
        for other, another in seen:
            assert (content == other) == (digest == another)


@pytest.mark.parametrize("function", [as_records, records_digest])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_an_image_size_for_what_is_no_image_is_refused(function, dtype):
    with pytest.raises(DataError, match=r"data\.image_size 32.*rows of 64 numbers, not images"):
        function(draw((4, 64), dtype), "fcnet", 32)


def test_an_image_size_that_fits_into_no_memory_is_refused_at_once():
    message = r"data\.image_size.*1000000 x 1000000 pixels take 4e\+03 GB"
    with pytest.raises(DataError, match=message):
        as_records(draw((4, 1, 8, 8)), "fcnet", 1_000_000)
    with pytest.raises(DataError, match="choose a smaller one"):
        as_records(draw((4, 1, 8, 8)), "fcnet", 10**30)


def test_scale_is_the_tutorials():
    pixels = np.arange(256)
    assert pixels * SCALE + SHIFT == pytest.approx((pixels / 255 - 0.5) / 0.5)
