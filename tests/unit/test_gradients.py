"""The error of a loss keeps its digits, and the signal made of gradient norms is what it says."""

import numpy as np
import pytest

from mia_dual.attacks.gradient_norm import gradient_signal
from mia_dual.errors import DataError
from mia_dual.gradients import loss_errors
from mia_dual.interface import GradientNorms


def norms_of(values, names=("a.bias", "a.weight")):
    return GradientNorms(names, np.array(values, np.float64))


def test_an_error_is_what_the_confidence_lacks_however_little():
    margins = np.array([0, 2, 80, -80, 700.0])
    logits = np.stack([margins + 1, np.ones(5)], axis=1)
    given = logits.copy()
    errors = loss_errors(logits, np.zeros(5, np.int64))
    assert np.allclose(errors, 1 / (1 + np.exp(margins)), rtol=1e-12, atol=0)
    assert np.array_equal(logits, given), "what was given is changed"


def test_an_error_counts_all_other_classes():
    logits = np.log(np.array([[[0.2, 0.5, 0.3]], [[0.7, 0.1, 0.2]]]))
    assert np.allclose(loss_errors(logits, np.array([[2], [0]])), [[0.7], [0.3]])
    assert np.array_equal(loss_errors(np.array([[3.0]]), np.array([0])), [0.0]), "a single class"


def test_the_signal_is_minus_the_log_of_the_whole_gradient_s_norm():
    found = norms_of([[[3, 4], [0, 2], [5e-200, 12e-200]]])
    assert np.allclose(gradient_signal(found), [-np.log([5, 2, 13e-200])], rtol=1e-12)
    assert np.allclose(gradient_signal(found, {"a.bias"})[0, 0], -np.log(3))


def test_no_gradient_at_all_is_a_member_s_and_a_number():
    signal = gradient_signal(norms_of([[[0, 0], [1e-300, 0]]]))
    assert np.isfinite(signal).all()
    assert signal[0, 0] > signal[0, 1]
    assert gradient_signal(norms_of(np.zeros((2, 0, 2)))).shape == (2, 0)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_diverged_model_s_gradients_are_refused(value):
    with pytest.raises(DataError, match="diverged"):
        gradient_signal(norms_of([[[1, value]]]))


def test_a_parameter_that_is_not_there_is_named():
    with pytest.raises(DataError, match=r"'b\.weight': choose among a\.bias, a\.weight"):
        gradient_signal(norms_of([[[1, 1]]]), ["b.weight"])
