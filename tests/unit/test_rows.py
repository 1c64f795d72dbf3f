"""Sets of record indices take bits, and say the same as the indices they were made of."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia_dual.deferred import Deferred
from mia_dual.plan.splits import ManyMembership
from mia_dual.rows import RowSet, union

# Dense and sparse ones: bits are held of the former, indices of the latter.
INDICES = st.lists(st.integers(0, 40) | st.integers(0, 100_000), unique=True).map(
    lambda rows: np.array(rows, np.int64)
)


@given(INDICES, INDICES)
def test_a_set_of_rows_holds_what_it_was_made_of(rows, asked):
    found = RowSet(rows)
    assert len(found) == len(rows)
    assert found.rows.dtype == np.int64
    assert np.array_equal(found.rows, np.sort(rows))
    assert np.array_equal(found.holds(asked), np.isin(asked, rows))


@given(st.lists(INDICES))
def test_a_union_is_of_all_that_are_in_any(parts):
    expected = np.unique(np.concatenate([np.zeros(0, np.int64), *parts]))
    assert np.array_equal(union(iter(parts)), expected)


@pytest.mark.parametrize("rows", [[3, 5, 3], [70_000, 2, 70_000]])
def test_a_row_is_in_a_set_once(rows):
    with pytest.raises(ValueError, match="twice"):
        RowSet(np.array(rows))


def test_a_membership_of_many_gives_new_arrays_each_time():
    membership = ManyMembership(np.array([5, 1]), np.array([2]))
    membership.members[:] = 0
    assert membership.members.tolist() == [1, 5]
    assert membership.rows.tolist() == [1, 5, 2]


def test_deferred_values_are_made_when_they_are_asked_for():
    made = []

    def of(name, value):
        return lambda: made.append(name) or value

    first = Deferred({"a": of("a", 1), "b": of("b", 2)})
    joined = Deferred.joined(first, {"b": 3})
    assert list(joined) == ["a", "b"]
    assert made == []
    assert (joined["a"], joined["b"]) == (1, 3)
    assert made == ["a"]
