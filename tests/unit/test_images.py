"""Enlarging images in NumPy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from mia_dual.data.images import SCALE, SHIFT, enlarge
from mia_dual.data.load import load_dataset
from mia_dual.data.records import as_records

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
def test_digits_are_enlarged_to_what_a_network_needs(network, size, side):
    records = as_records(load_dataset("digits", None), network, size)
    assert records.features.shape == (1797, 1, side, side)
    inputs = records.inputs(np.arange(1797))
    assert inputs.dtype == np.float32
    assert inputs.min() == -1
    assert inputs.max() == pytest.approx(1)


def test_scale_is_the_tutorials():
    pixels = np.arange(256)
    assert pixels * SCALE + SHIFT == pytest.approx((pixels / 255 - 0.5) / 0.5)
