"""A user's own network, in the user's own words, on each framework."""

import numpy as np
import pytest

from mia_dual.errors import NetworkError
from mia_dual.interface import NetworkSpec, Optimizer
from mia_dual.registry import load_backend
from mia_dual.testing import ask, example_job, example_records, train

SOURCES = {
    "torch": """
from torch import nn
Linear, Flatten, Norm, Chain = nn.Linear, nn.Flatten, nn.BatchNorm1d, nn.Sequential
""",
    "mindspore": """
from mindspore import nn
Linear, Flatten, Norm, Chain = nn.Dense, nn.Flatten, nn.BatchNorm1d, nn.SequentialCell
""",
}

FACTORIES = """
def good(input_shape, classes):
    channels, height, width = input_shape
    return Chain(Flatten(), Linear(channels * height * width, 9), Norm(9), Linear(9, classes))

def too_narrow(input_shape, classes):
    return Chain(Flatten(), Linear(7, classes))

def too_many_answers(input_shape, classes):
    channels, height, width = input_shape
    return Chain(Flatten(), Linear(channels * height * width, classes + 1))

def nothing(input_shape, classes):
    return None
"""


@pytest.fixture(params=SOURCES)
def nets(request, tmp_path, monkeypatch):
    module = f"nets_of_{request.param}"
    (tmp_path / f"{module}.py").write_text(SOURCES[request.param] + FACTORIES)
    monkeypatch.syspath_prepend(tmp_path)
    return load_backend(request.param, "cpu"), module


def spec_of(module, factory):
    return NetworkSpec(f"{module}:{factory}", (1, 6, 6), 4)


def test_it_trains_under_canonical_names_normalisation_included(nets):
    backend, module = nets
    spec = spec_of(module, "good")
    kinds = {name.rpartition(".")[2] for name in backend.fresh(spec, 0)}
    assert kinds == {"weight", "bias", "running_mean", "running_var"}
    records = example_records(spec)
    job = example_job(backend, spec, rows=range(30), epochs=20)
    weights = train(backend, spec, [job], records, Optimizer("sgd"))["a"].weights
    right = ask(backend, spec, [weights], records)[0].argmax(axis=1) == records.labels
    assert right.mean() > 0.5
    assert np.isfinite(weights["2.running_var"]).all()


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("too_narrow", r"fails on records of shape \(1, 6, 6\)"),
        ("too_many_answers", r"shape \(2, 5\), not \(2, 4\)"),
        ("nothing", "returned NoneType"),
        ("absent", "cannot be imported"),
    ],
)
def test_what_is_wrong_with_it_is_said_in_a_line(nets, factory, message):
    backend, module = nets
    with pytest.raises(NetworkError, match=message) as caught:
        backend.fresh(spec_of(module, factory), 0)
    assert "\n" not in str(caught.value)
