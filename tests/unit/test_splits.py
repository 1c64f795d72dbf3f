"""The parts of a split never meet where they must not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia_dual.config import Config
from mia_dual.errors import DataError
from mia_dual.plan.splits import balanced, draw_split

counts = st.integers(1, 40)


def config(members, non_members, shadow_members, shadow_non_members=None, shadows=3, seed=0):
    return Config.model_validate(
        {
            "seed": seed,
            "shadows": {"count": shadows},
            "split": {
                "target_members": members,
                "target_non_members": non_members,
                "shadow_members": shadow_members,
                "shadow_non_members": shadow_non_members,
            },
        }
    )


@given(counts, counts, counts, counts, st.integers(0, 100), st.integers(0, 5))
def test_parts_are_disjoint_and_as_large_as_asked(
    members, non_members, shadow_members, shadow_non_members, spare, seed
):
    records = members + non_members + shadow_members + shadow_non_members + spare
    wanted = config(members, non_members, shadow_members, shadow_non_members, seed=seed)
    split = draw_split(records, wanted)
    everything = np.concatenate([split.target.rows, split.pool])
    assert np.array_equal(np.sort(everything), np.arange(records))
    assert (len(split.target.members), len(split.target.non_members)) == (members, non_members)
    for shadow in split.shadows:
        assert len(shadow.members) == shadow_members
        assert len(shadow.non_members) == shadow_non_members
        assert len(np.unique(shadow.rows)) == len(shadow.rows)
        assert np.isin(shadow.rows, split.pool).all()


def test_every_record_can_be_drawn():
    last = 99
    drawn = [draw_split(100, config(10, 10, 10, seed=seed)) for seed in range(60)]
    assert any(last in split.target.members for split in drawn)
    assert any(last in shadow.members for split in drawn for shadow in split.shadows)


def test_a_shadow_draws_as_many_non_members_as_members_unless_told():
    (shadow, *_) = draw_split(100, config(10, 10, 17)).shadows
    assert len(shadow.members) == len(shadow.non_members) == 17


def test_another_shadow_leaves_the_rest_alone():
    few, many = (draw_split(200, config(20, 20, 20, shadows=count)) for count in (2, 5))
    assert np.array_equal(few.target.members, many.target.members)
    for one, other in zip(few.shadows, many.shadows):
        assert np.array_equal(one.rows, other.rows)


def test_seeds_differ():
    one, other = (draw_split(200, config(20, 20, 20, seed=seed)) for seed in (1, 2))
    assert not np.array_equal(one.target.members, other.target.members)


def test_too_few_records_are_refused_with_the_counts():
    with pytest.raises(DataError, match=r"has 59 records.*asks for 60: 20 for the target.*40"):
        draw_split(59, config(10, 10, 20))


def test_a_split_may_take_every_record_and_leave_shadows_no_choice():
    split = draw_split(4, config(1, 1, 1))
    assert len(split.pool) == 2
    for shadow in split.shadows:
        assert sorted(shadow.rows) == split.pool.tolist()


@given(st.lists(st.integers(0, 4)), st.lists(st.integers(0, 4)))
def test_balancing_matches_classes_and_duplicates_nobody(inside, outside):
    labels = np.array(inside + outside, np.int64)
    members = np.arange(len(inside))
    non_members = np.arange(len(inside), len(labels))
    chosen = balanced(members, non_members, labels, np.random.default_rng(0))
    assert len(np.unique(chosen.rows)) == len(chosen.rows)
    assert np.isin(chosen.members, members).all()
    assert np.isin(chosen.non_members, non_members).all()
    for label in range(5):
        size = min(inside.count(label), outside.count(label))
        assert (labels[chosen.members] == label).sum() == size
        assert (labels[chosen.non_members] == label).sum() == size
