"""Signals are the same numbers on every machine, and say so where there is none."""

import numpy as np
import pytest
from scipy.special import log_softmax, logsumexp, softmax

from mia_dual import signals
from mia_dual.errors import DataError
from mia_dual.signals import (
    LIMIT,
    SIGNALS,
    confidences,
    correctness,
    log_confidence,
    log_odds,
    negative_entropy,
    negative_modified_entropy,
)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1.0, 50.0, 1e4, 1e30])
def test_confidences_are_scipys_softmax_to_the_bit(dtype, scale, monkeypatch):
    rng = np.random.default_rng(0)
    for classes in (1, 2, 10, 100, 1000):
        logits = (rng.normal(size=(2, 50, classes)) * scale).astype(dtype)
        given = logits.copy()
        # The last of 100 records is a block of its own.
        monkeypatch.setattr(signals, "_BLOCK", 33 * classes)
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


def written_out(logits, labels):
    """Every signal of one record's logits, as its paper has it."""
    p = softmax(logits)
    others = np.delete(logits, labels)
    rest = np.delete(p, labels)
    return {
        "log_confidence": log_softmax(logits)[labels],
        "log_odds": logits[labels] - logsumexp(others),
        "correctness": float(p.argmax() == labels),
        "negative_entropy": (p * np.log(p)).sum(),
        "negative_modified_entropy": (1 - p[labels]) * np.log(p[labels])
        + (rest * np.log(1 - rest)).sum(),
    }


QUICK = {"log_odds": {"abs": 1e-6}, "log_confidence": {"rel": 1e-6}}
"""Signals of float32 logits that are exact to less than rounding, and how far."""


@pytest.mark.parametrize("classes", [2, 3, 10, 128, 200])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_signals_are_what_their_papers_say(classes, dtype):
    rng = np.random.default_rng(classes)
    # More records than are worked on at a time, of several models.
    records = 2**18 // classes // 3 + 5
    logits = rng.normal(0, 2, (3, records, classes)).astype(dtype)
    labels = rng.integers(0, classes, records)
    given = logits.copy()
    picked = [(model, record) for model in range(3) for record in range(0, records, records // 50)]
    for name, signal in SIGNALS.items():
        found = signal(logits, labels)
        assert found.shape == (3, records)
        assert found.dtype == np.float64
        expected = [
            written_out(logits[at].astype(np.float64), labels[at[1]])[name] for at in picked
        ]
        near = QUICK.get(name, {}) if dtype == np.float32 and classes <= 128 else {"rel": 1e-9}
        assert [found[at] for at in picked] == pytest.approx(expected, **(near or {"rel": 1e-9}))
    assert np.array_equal(logits, given), "what was given is changed"


@pytest.mark.parametrize("scale", [1e-30, 1.0, 15.0, 40.0, 200.0, 1e30])
@pytest.mark.parametrize("name", QUICK)
def test_signals_of_float32_are_those_of_float64(name, scale):
    rng = np.random.default_rng(0)
    logits = (rng.normal(size=(20_000, 10)) * scale).astype(np.float32)
    # Far from 0 all together, and with classes that have nothing.
    logits[:5000] += rng.choice([-300, -80, 30, 90], (5000, 1))
    logits[2500:10_000][rng.random((7500, 10)) < 0.3] = -np.inf
    logits[:, 0] = np.maximum(logits[:, 0], np.finfo(np.float32).min)
    labels = rng.integers(0, 10, 20_000)
    found, exact = (SIGNALS[name](part, labels) for part in (logits, logits.astype(np.float64)))
    assert np.isfinite(found).all()
    assert found == pytest.approx(exact, **QUICK[name])


@pytest.mark.parametrize("name", SIGNALS)
def test_a_record_s_signal_is_the_same_bits_however_records_are_cut(name, monkeypatch):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 20, (2, 3000, 10)).astype(np.float32)
    labels = rng.integers(0, 10, 3000)
    whole = SIGNALS[name](logits, labels)
    order = rng.permutation(3000)
    assert np.array_equal(SIGNALS[name](logits[:, order], labels[order]), whole[:, order])
    # As a slice of every other record of an array in another order.
    apart = np.asfortranarray(logits[0])[::2]
    assert np.array_equal(SIGNALS[name](apart, labels[::2]), whole[0, ::2])
    for block in (1, 70, 10_010):
        monkeypatch.setattr("mia_dual.signals._BLOCK", block)
        assert np.array_equal(SIGNALS[name](logits[:, :501], labels[:501]), whole[:, :501])


def test_signals_tell_confidences_apart_that_round_to_one():
    logits = np.zeros((30, 2), np.float32)
    logits[:, 0] = np.linspace(40, 79, 30)
    labels = np.zeros(30, np.int64)
    assert (confidences(logits)[:, 0] == 1).all()
    assert log_odds(logits, labels) == pytest.approx(logits[:, 0])
    for signal in (log_odds, log_confidence, negative_entropy, negative_modified_entropy):
        assert (np.diff(signal(logits, labels)) > 0).all()
    assert log_confidence(logits, labels) == pytest.approx(-np.exp(-logits[:, 0]), rel=1e-6)


def test_signals_of_infinite_logits_are_those_of_their_limit():
    infinity = np.inf
    logits = np.array(
        [
            [infinity, 0, 5],
            [0, infinity, 5],
            [-infinity, 1, 1],
            [infinity, infinity, 0],
            [-infinity, 3, -infinity],
        ],
        np.float32,
    )
    labels = np.array([0, 0, 0, 0, 1])
    half = np.log(0.5)
    assert log_odds(logits, labels) == pytest.approx([LIMIT, -LIMIT, -LIMIT, 0, LIMIT])
    found = log_confidence(logits, labels)
    assert found == pytest.approx([0, -LIMIT, -LIMIT, half, 0], abs=1e-30)
    assert np.array_equal(correctness(logits, labels), [1, 0, 0, 1, 1])
    assert negative_entropy(logits, labels) == pytest.approx([0, 0, half, half, 0])
    found = negative_modified_entropy(logits, labels)
    # Sure and wrong: log p and log(1 - p) end at the limit.
    assert found == pytest.approx([0, -2 * LIMIT, -LIMIT + half, half, 0])
    votes = np.log(np.array([[0.0, 1.0], [0.25, 0.75]]), where=[[False, True], [True, True]])
    votes[0, 0] = -infinity
    assert log_odds(votes, np.array([1, 1])) == pytest.approx([LIMIT, np.log(3)])


@pytest.mark.parametrize("signal", SIGNALS.values(), ids=SIGNALS)
@pytest.mark.parametrize("record", [[np.nan, 1], [np.nan, np.inf], [-np.inf, -np.inf]])
def test_signals_of_no_numbers_are_refused(signal, record):
    with pytest.raises(DataError, match="logits are no numbers"):
        signal(np.array([[0, 1], record], np.float32), np.array([0, 1]))


@pytest.mark.parametrize("signal", SIGNALS.values(), ids=SIGNALS)
def test_signals_of_one_class_and_of_nothing(signal):
    alone = signal(np.array([[[3.0], [-4.0]]], np.float32), np.array([0, 0]))
    assert np.isfinite(alone).all()
    assert np.ptp(alone) == 0
    assert signal(np.zeros((2, 0, 3), np.float32), np.zeros(0, np.int64)).shape == (2, 0)


@pytest.mark.parametrize("name", ["log_confidence", "log_odds", "correctness"])
def test_a_tie_at_the_top_is_right_whatever_the_classes_are_called(name):
    logits = np.array([[2.0, 2.0, -1.0]])
    assert SIGNALS[name](logits, np.array([0])) == SIGNALS[name](logits, np.array([1]))
    assert correctness(logits, np.array([1])) == 1
