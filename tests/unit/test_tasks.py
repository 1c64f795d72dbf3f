"""How models are cut into tasks, and tasks dealt to workers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia_dual.engines import tasks
from mia_dual.engines.tasks import Task, cut, deal

drawn = st.lists(st.tuples(st.sampled_from("ab"), st.integers(1, 100)), min_size=1, max_size=40)


def pieces(models, parts, most=None):
    return cut(models, lambda model: model[0], lambda model: model[1], parts, most)


@given(drawn, st.integers(1, 6), st.none() | st.integers(1, 5))
def test_tasks_hold_every_model_once_alike_ones_together_and_the_largest_first(models, parts, most):
    found = pieces(models, parts, most)
    assert sorted(model for task in found for model in task.models) == sorted(models)
    for task in found:
        kinds, sizes = zip(*task.models)
        assert len(set(kinds)) == 1
        assert sizes[0] == max(sizes) <= 2 * min(sizes)
        assert task.operations == sum(sizes)
        assert len(sizes) <= min(most or len(models), -(-len(models) // parts))
    assert [task.operations for task in found] == sorted(t.operations for t in found)[::-1]


@given(drawn, st.integers(1, 6))
def test_no_worker_is_dealt_much_more_than_its_share(models, workers):
    found = pieces(models, 2 * workers)
    dealt = deal(found, workers)
    assert sorted(map(id, found)) == sorted(id(task) for own in dealt for task in own)
    sums = [sum(task.operations for task in own) for own in dealt]
    # Whoever has most was dealt the last of it when nobody had less.
    assert max(sums) - dealt[sums.index(max(sums))][-1].operations <= min(sums)


def test_the_longest_come_first_and_the_short_ones_fill_up():
    alone = [Task((str(size),), size) for size in (3, 6, 2, 4, 4)]
    assert [[task.models[0] for task in own] for own in deal(alone, 2)] == [
        ["6", "3"],
        ["4", "4", "2"],
    ]


def test_a_limit_grows_with_the_operations(monkeypatch):
    monkeypatch.setattr(tasks, "LEAST_SPEED", 10.0)
    limits = [Task((), operations).limit for operations in (0, 50)]
    assert limits == pytest.approx([tasks.PATIENCE, tasks.PATIENCE + 5])
