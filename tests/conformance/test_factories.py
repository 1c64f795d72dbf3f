"""A user's own network, in the user's own words, on each framework."""

import numpy as np
import pytest

from mia_dual.errors import NetworkError
from mia_dual.interface import NetworkSpec, Optimizer
from mia_dual.registry import load_backend
from mia_dual.testing import (
    ask,
    example_job,
    example_records,
    example_weights,
    loss_slopes,
    train,
)

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


def test_its_gradients_are_those_of_what_it_answers(nets):
    """By central differences of its loss in evaluation mode, its statistics away from batches'."""
    backend, module = nets
    spec = spec_of(module, "good")
    records = example_records(spec, 5)
    start = dict(example_weights(backend, spec))
    start["2.running_mean"] = start["2.running_mean"] + np.float32(0.3)
    start["2.running_var"] = start["2.running_var"] * np.float32(0.4)
    found = backend.gradient_norms(spec, [start], records, np.arange(5)[None])
    names = tuple(f"{layer}.{kind}" for layer in (1, 2, 3) for kind in ("bias", "weight"))
    assert found.parameters == names
    for name in ("1.bias", "2.bias", "2.weight", "3.bias"):
        expected = np.linalg.norm(loss_slopes(backend, spec, start, records, name), axis=0)
        norms = found.norms[0, :, names.index(name)]
        assert np.allclose(norms, expected, rtol=0.01, atol=1e-4), name


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


UNCOMMON = """
import torch
from torch import nn

class Uncommon(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.lstm = nn.LSTM(6, 8, batch_first=True)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.slope = nn.PReLU()
        self.out = nn.Linear(8, classes)
        self.register_buffer("mean", torch.full((6,), 0.25))
        self.register_buffer("order", torch.arange(5, -1, -1))

    def forward(self, images):
        rows, _ = self.lstm(images[:, 0][:, :, self.order] - self.mean)
        rows, _ = self.attention(rows, rows, rows)
        return self.out(self.slope(rows.mean(1)))

def uncommon(input_shape, classes):
    return Uncommon(classes)
"""


def test_what_is_no_kernel_stays_as_torch_built_it(tmp_path, monkeypatch):
    import torch

    (tmp_path / "uncommon_nets.py").write_text(UNCOMMON)
    monkeypatch.syspath_prepend(tmp_path)
    backend = load_backend("torch", "cpu")
    spec = spec_of("uncommon_nets", "uncommon")
    torch.manual_seed(5)
    before = torch.get_rng_state()
    built = backend.fresh(spec, seed=3)
    assert torch.equal(before, torch.get_rng_state()), "the caller's stream was moved"
    again = backend.fresh(spec, seed=3)
    assert all(np.array_equal(built[name], again[name]) for name in built)
    other = backend.fresh(spec, seed=4)
    assert not np.array_equal(built["lstm.weight_ih_l0"], other["lstm.weight_ih_l0"])

    start = example_weights(backend, spec)
    drawn = {"attention.out_proj.weight", "attention.out_proj.bias", "out.weight", "out.bias"}
    kept = backend.fresh(spec, seed=0)
    for name, array in start.items():
        assert array.dtype == kept[name].dtype, name
        assert np.array_equal(array, kept[name]) == (name not in drawn), name
    assert (start["mean"] == 0.25).all()
    assert start["order"].dtype == np.int64
    assert start["slope.weight"] == 0.25
    assert not start["attention.in_proj_bias"].any()

    model = train(backend, spec, [example_job(backend, spec)], example_records(spec))["a"]
    assert model.weights["order"].dtype == np.int64
    for name in ("order", "mean"):
        assert np.array_equal(model.weights[name], start[name]), name
        assert f"first/{name}" not in model.moments
    for name in ("lstm.bias_hh_l0", "attention.in_proj_bias", "slope.weight"):
        assert not np.array_equal(model.weights[name], start[name]), f"{name} was not trained"
        assert np.abs(model.moments[f"first/{name}"]).max() > 0


def test_a_batch_that_cannot_be_normalised_is_said_in_a_line(nets):
    backend, module = nets
    spec = spec_of(module, "good")
    job = example_job(backend, spec, rows=range(4), batch_size=1)
    with pytest.raises(NetworkError, match=f"'{module}:good' .* batch") as caught:
        train(backend, spec, [job], example_records(spec))
    assert "\n" not in str(caught.value)
