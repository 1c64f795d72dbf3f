"""Quantile regression: a record's signal held against what such records have without membership."""

import numpy as np
import pytest

from mia_dual import metrics
from mia_dual.attacks.quantile import QuantileRegression
from mia_dual.data.load import load_dataset
from mia_dual.data.records import as_records
from mia_dual.errors import DataError
from mia_dual.interface import Records

POPULATION, ROWS = np.arange(800, 1600), np.arange(800)
MEMBER = ROWS < 400


@pytest.fixture(scope="module")
def digits():
    return as_records(load_dataset("digits"), "fcnet", None)


@pytest.fixture(scope="module")
def hardness(digits):
    """A signal that non-members have: some records are harder, and some classes less sure."""
    rng = np.random.default_rng(0)
    flat = digits.inputs(np.arange(len(digits))).reshape(len(digits), -1)
    along = flat @ rng.normal(size=flat.shape[1])
    along = 2 * (along - along.mean()) / along.std()
    sure = rng.uniform(0.3, 2, 10)[digits.labels]
    return along + digits.labels + sure * rng.normal(size=len(digits))


def score(records, signal, population=POPULATION, rows=ROWS):
    regression = QuantileRegression(records, population, rows, seed=0)
    return regression.scores(signal[None, population], signal[None, rows])[0]


def test_what_records_say_of_their_signal_is_taken_out(digits, hardness):
    signal = hardness.copy()
    signal[ROWS[MEMBER]] += 1
    found = score(digits, signal)
    threshold = metrics.auc(MEMBER, signal[ROWS])
    assert metrics.auc(MEMBER, found) > threshold + 0.1
    # In deviations of a non-member, by class too.
    unseen = ~MEMBER
    assert found[unseen].mean() == pytest.approx(0, abs=0.15)
    assert found[unseen].std() == pytest.approx(1, abs=0.2)


def test_a_unit_of_the_signal_or_of_the_features_moves_nothing(digits, hardness):
    plain = score(digits, hardness)
    np.testing.assert_allclose(score(digits, 1e3 * hardness - 50), plain, rtol=1e-6, atol=1e-6)
    larger = Records(digits.features, digits.labels, digits.scale * 100, digits.shift * 100)
    np.testing.assert_allclose(score(larger, hardness), plain, rtol=0.02, atol=0.02)


def test_a_models_scores_depend_on_it_alone(digits, hardness):
    regression = QuantileRegression(digits, POPULATION, ROWS, seed=0)
    others = np.random.default_rng(1).normal(size=len(hardness))
    signals = np.stack([others, hardness])
    both = regression.scores(signals[:, POPULATION], signals[:, ROWS])
    np.testing.assert_array_equal(both[1], score(digits, hardness))
    assert both.shape == (2, len(ROWS))


def test_the_order_of_records_moves_nothing(digits, hardness):
    plain = score(digits, hardness)
    turned = score(digits, hardness, rows=ROWS[::-1])
    np.testing.assert_allclose(turned[::-1], plain, rtol=1e-6, atol=1e-6)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("population", [2, 3, 50])
@pytest.mark.parametrize("kind", ["digits", "one-class", "constant", "step", "equal", "huge"])
def test_degenerate_records_and_signals_give_numbers(digits, hardness, population, kind):
    records, signal = digits, hardness.copy()
    if kind == "one-class":
        records = Records(digits.features, np.zeros_like(digits.labels), digits.scale, digits.shift)
    if kind == "constant":
        signal[:] = 3
    if kind == "step":
        signal = (signal > np.median(signal)).astype(float)
    if kind == "equal":
        records = Records(np.ones_like(digits.features), digits.labels)
    if kind == "huge":
        signal = np.where(signal > np.median(signal), 80.0, -80.0)
    found = score(records, signal, population=POPULATION[:population])
    assert np.isfinite(found).all()
    if kind == "constant":
        assert (found == 0).all()


def test_a_class_that_the_population_lacks_is_scored(digits, hardness):
    population = POPULATION[digits.labels[POPULATION] != 3]
    assert np.isfinite(score(digits, hardness, population=population)).all()


def test_fifty_records_do_not_make_it_worse_than_a_threshold(digits, hardness):
    signal = hardness.copy()
    signal[ROWS[MEMBER]] += 1
    found = metrics.auc(MEMBER, score(digits, signal, population=POPULATION[:50]))
    assert found > metrics.auc(MEMBER, signal[ROWS])


def test_a_population_of_one_is_refused(digits, hardness):
    with pytest.raises(DataError, match="has 1: give it 50 at least"):
        score(digits, hardness, population=POPULATION[:1])
