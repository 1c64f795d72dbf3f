"""Batches, learning rates and initial weights: the same numbers for every backend."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia_dual.interface import NO_RECORD
from mia_dual.seeds import generator
from mia_dual.training.batches import draw_batches, learning_rates, steps_an_epoch
from mia_dual.training.stages import curve_epochs
from mia_dual.training.weights import draw_weights


@given(st.integers(0, 1000), st.integers(1, 10_000))
def test_a_curve_is_evenly_spread_and_ends_with_the_last_epoch(points, epochs):
    found = curve_epochs(points, epochs)
    assert len(found) == min(points, epochs)
    apart = np.diff([0, *found])
    if points:
        assert found[-1] == epochs
        assert apart.min() >= 1
        assert apart.max() - apart.min() <= 1


@given(st.integers(1, 60), st.integers(1, 4), st.integers(1, 20))
def test_every_epoch_takes_every_record_once_but_a_lone_last_one(count, epochs, batch_size):
    rows = np.arange(count) * 3
    batches = draw_batches(rows, epochs, batch_size, np.random.default_rng(0))
    assert batches.dtype == np.int64
    assert batches.shape[1] == batch_size
    assert len(batches) == epochs * steps_an_epoch(count, batch_size)
    lone = count > 1 and batch_size > 1 and count % batch_size == 1
    for epoch in batches.reshape(epochs, -1):
        taken = epoch[epoch != NO_RECORD]
        assert len(np.unique(taken)) == len(taken) == count - lone
        assert np.isin(taken, rows).all()
    for batch in batches:
        real = batch != NO_RECORD
        assert real.any()
        assert not real[np.argmin(real) :].any() or real.all(), "padding is only at a row's end"


def test_epochs_have_orders_of_their_own():
    first, second = draw_batches(np.arange(50), 2, 50, np.random.default_rng(0))
    assert not np.array_equal(first, second)


def test_a_batch_of_one_record_is_only_where_none_other_can_be():
    assert [steps_an_epoch(count, 8) for count in (0, 1, 7, 8, 9, 10, 16, 17)] == [
        *(0, 1, 1, 1, 1, 2, 2, 2)
    ]
    assert steps_an_epoch(5, 1) == 5
    for count in range(2, 30):
        batches = draw_batches(np.arange(count), 2, 7, np.random.default_rng(0))
        assert ((batches != NO_RECORD).sum(axis=1) > 1).all()


@given(st.integers(0, 60), st.integers(0, 3), st.integers(0, 3), st.integers(1, 20))
def test_a_longer_training_begins_as_the_shorter(count, epochs, more, batch_size):
    rows = np.arange(count) + 7
    short, long = (
        draw_batches(rows, number, batch_size, generator(0, "order"))
        for number in (epochs, epochs + more)
    )
    assert np.array_equal(long[: len(short)], short)


def test_rates_fall_every_so_many_epochs():
    rates = learning_rates(1.0, epochs=4, steps=8, decay_every=2, decay=0.1)
    assert rates == pytest.approx([1, 1, 1, 1, 0.1, 0.1, 0.1, 0.1])
    assert learning_rates(0.5, 4, 8, None, 0.1) == pytest.approx([0.5] * 8)


def test_weights_keep_to_their_bounds_and_normalisation_stays_as_built():
    shapes = {
        "conv.weight": (6, 3, 5, 5),
        "conv.bias": (6,),
        "bn.weight": (6,),
        "bn.bias": (6,),
        "bn.running_mean": (6,),
        "bn.running_var": (6,),
        "fc.weight": (1000, 4),
        "fc.bias": (1000,),
    }
    built = {name: np.full(shape, 0.75, np.float32) for name, shape in shapes.items()}
    weights = draw_weights(built, np.random.default_rng(0))
    assert {name: array.shape for name, array in weights.items()} == shapes
    assert all(array.dtype == np.float32 for array in weights.values())
    for layer, bound in (("conv", 1 / np.sqrt(75)), ("fc", 0.5)):
        for kind in ("weight", "bias"):
            assert np.abs(weights[f"{layer}.{kind}"]).max() <= bound
    assert np.abs(weights["fc.weight"]).max() > 0.49
    assert np.abs(weights["fc.bias"]).max() > 0.49
    for kind in ("weight", "bias", "running_mean", "running_var"):
        assert (weights[f"bn.{kind}"] == 0.75).all()


def test_labels_draw_apart_and_seeds_repeat():
    def draw(*labels):
        return generator(*labels).integers(0, 2**62, 4).tolist()

    assert draw(0, "a") == draw(0, "a")
    assert (
        len({tuple(draw(*label)) for label in [(0, "a"), (0, "b"), (1, "a"), (0, "a", "b")]}) == 4
    )
