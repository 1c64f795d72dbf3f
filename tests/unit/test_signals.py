"""Signals are the same numbers on every machine, and say so where there is none."""

import numpy as np
import pytest
from scipy.special import softmax

from mia_dual.errors import DataError
from mia_dual.signals import confidences


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1.0, 50.0, 1e4, 1e30])
def test_confidences_are_scipys_softmax_to_the_bit(dtype, scale):
    rng = np.random.default_rng(0)
    for classes in (1, 2, 10, 100, 1000):
        logits = (rng.normal(size=(2, 50, classes)) * scale).astype(dtype)
        given = logits.copy()
        found = confidences(logits)
        assert np.array_equal(found, softmax(logits.astype(np.float64), -1).astype(np.float32))
        assert found.dtype == np.float32
        assert np.array_equal(logits, given), "what was given is changed"
    assert confidences(np.zeros((0, 3), np.float32)).shape == (0, 3)


def test_infinite_logits_are_taken_as_their_limit():
    infinity = np.inf
    logits = np.array(
        [[0, infinity, 5], [infinity, infinity, -infinity], [-infinity, 1, 1], [1, 1, 1]],
        np.float32,
    )
    third = np.float32(1 / 3)
    expected = [[0, 1, 0], [0.5, 0.5, 0], [0, 0.5, 0.5], [third, third, third]]
    assert np.array_equal(confidences(logits), np.array(expected, np.float32))


@pytest.mark.parametrize("record", [[np.nan, 1], [np.nan, np.inf], [-np.inf, -np.inf]])
def test_logits_that_are_no_numbers_are_refused(record):
    with pytest.raises(DataError, match="logits are no numbers"):
        confidences(np.array([[0, 1], record], np.float32))
