"""Batches, learning rates and initial weights: the same numbers for every backend."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia_dual.interface import NO_RECORD
from mia_dual.seeds import generator
from mia_dual.training.batches import draw_batches, learning_rates
from mia_dual.training.weights import draw_weights


@given(st.integers(1, 60), st.integers(1, 4), st.integers(1, 20))
def test_every_epoch_takes_every_record_once_but_a_lone_last_one(count, epochs, batch_size):
    rows = np.arange(count) * 3
    batches = draw_batches(rows, epochs, batch_size, np.random.default_rng(0))
    assert batches.dtype == np.int64
    assert batches.shape[1] == batch_size
    assert len(batches) % epochs == 0
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


def test_rates_fall_every_so_many_epochs():
    rates = learning_rates(1.0, epochs=4, steps=8, decay_every=2, decay=0.1)
    assert rates == pytest.approx([1, 1, 1, 1, 0.1, 0.1, 0.1, 0.1])
    assert learning_rates(0.5, 4, 8, None, 0.1) == pytest.approx([0.5] * 8)


def test_weights_keep_to_their_bounds_and_normalisation_starts_as_identity():
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
    weights = draw_weights(shapes, np.random.default_rng(0))
    assert {name: array.shape for name, array in weights.items()} == shapes
    assert all(array.dtype == np.float32 for array in weights.values())
    for layer, bound in (("conv", 1 / np.sqrt(75)), ("fc", 0.5)):
        for kind in ("weight", "bias"):
            assert np.abs(weights[f"{layer}.{kind}"]).max() <= bound
    assert np.abs(weights["fc.weight"]).max() > 0.49
    assert np.abs(weights["fc.bias"]).max() > 0.49
    for kind, value in (("weight", 1), ("bias", 0), ("running_mean", 0), ("running_var", 1)):
        assert (weights[f"bn.{kind}"] == value).all()


def test_labels_draw_apart_and_seeds_repeat():
    def draw(*labels):
        return generator(*labels).integers(0, 2**62, 4).tolist()

    assert draw(0, "a") == draw(0, "a")
    assert (
        len({tuple(draw(*label)) for label in [(0, "a"), (0, "b"), (1, "a"), (0, "a", "b")]}) == 4
    )
