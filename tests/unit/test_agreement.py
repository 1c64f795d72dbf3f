"""How far scores and numbers agree, against SciPy and on cases worked by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from mia_dual.metrics.agreement import apart, spearman


# Few distinct values, so that ties are common.
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=40))
def test_spearman_is_scipys_with_ties(pairs):
    first, second = (np.array(column) / 4 for column in zip(*pairs))
    found = spearman(first, second)
    if len(set(first)) == 1 or len(set(second)) == 1:
        assert found is None
    else:
        assert found == pytest.approx(spearmanr(first, second).statistic)
        assert -1 <= found <= 1


def test_spearman_needs_two_records():
    assert spearman(np.zeros(0), np.zeros(0)) is None
    assert spearman(np.ones(1), np.ones(1)) is None


def test_numbers_that_are_no_numbers_are_infinitely_apart_and_equal_infinities_are_not():
    inf, nan = np.inf, np.nan
    first = np.array([inf, -inf, inf, nan, nan, 1.0], np.float32)
    second = np.array([inf, -inf, -inf, nan, 1.0, 1.5], np.float32)
    assert apart(first, second).tolist() == [0, 0, inf, inf, inf, 0.5]
