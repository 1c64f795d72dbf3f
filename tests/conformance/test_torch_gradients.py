"""On PyTorch a network's gradients by record are autograd's own, whatever it is made of."""

import numpy as np
import pytest
import torch

from mia_dual.errors import NetworkError
from mia_dual.execution import Execution
from mia_dual.interface import NO_RECORD, NetworkSpec
from mia_dual.registry import load_backend
from mia_dual.testing import example_records, example_weights
from mia_dual_torch import by_record
from mia_dual_torch.by_record import is_known
from mia_dual_torch.networks import build

NETS = """
import torch
from torch import nn
from torch.nn import functional

def common(input_shape, classes):
    return nn.Sequential(
        nn.Conv2d(1, 4, (3, 2), stride=(2, 1), padding=(1, 0), dilation=(1, 2)),
        nn.BatchNorm2d(4),
        nn.ReLU(inplace=True),
        nn.Flatten(2),
        nn.Linear(12, 5),
        nn.ReLU(inplace=True),
        nn.Flatten(),
        nn.BatchNorm1d(20),
        nn.Linear(20, classes),
    )

def grouped(input_shape, classes):
    return nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.Tanh(), nn.Conv2d(4, 6, 3, groups=2), nn.Flatten(),
        nn.Linear(24, classes),
    )

def reflecting(input_shape, classes):
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, padding_mode="reflect"), nn.Flatten(), nn.Linear(144, classes)
    )

class Twice(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.first = nn.Linear(36, 36)
        self.frozen = nn.Linear(36, 36).requires_grad_(False)
        self.unused = nn.Linear(3, 3)
        self.out = nn.Linear(36, classes)

    def forward(self, images):
        hidden = torch.tanh(self.first(images.flatten(1)))
        return self.out(self.first(self.frozen(hidden)))

def twice(input_shape, classes):
    return Twice(classes)

class Sideways(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.first = nn.Linear(36, 36)
        self.out = nn.Linear(36, classes)

    def forward(self, images):
        hidden = torch.tanh(self.first(images.flatten(1)))
        return self.out(functional.linear(hidden, self.first.weight))

def sideways(input_shape, classes):
    return Sideways(classes)

class Attending(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.lstm = nn.LSTM(6, 8, batch_first=True)
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True)
        self.out = nn.Linear(8, classes)

    def forward(self, images):
        rows, _ = self.lstm(images[:, 0])
        rows, _ = self.attention(rows, rows, rows)
        return self.out(rows.mean(1))

def attending(input_shape, classes):
    return Attending(classes)

def dropping(input_shape, classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(36, 20), nn.Dropout(0.5), nn.Linear(20, classes))

class Always(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.out = nn.Linear(36, classes)

    def forward(self, images):
        return self.out(functional.dropout(images.flatten(1)))

def always(input_shape, classes):
    return Always(classes)

class Detached(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.out = nn.Linear(36, classes)

    def forward(self, images):
        return self.out(images.flatten(1)).detach()

def detached(input_shape, classes):
    return Detached(classes)
"""


@pytest.fixture
def spec_of(tmp_path, monkeypatch):
    (tmp_path / "nets_with_gradients.py").write_text(NETS)
    monkeypatch.syspath_prepend(tmp_path)
    return lambda factory: NetworkSpec(f"nets_with_gradients:{factory}", (1, 6, 6), 4)


def torch_on(**execution):
    return load_backend("torch", "cpu", Execution(**execution))


def by_autograd(spec, weights, records, row):
    """Name -> norm of the gradient of one record's cross entropy, in PyTorch's plainest words."""
    import importlib

    module_name, _, factory = spec.name.partition(":")
    module = getattr(importlib.import_module(module_name), factory)(spec.input_shape, spec.classes)
    module.load_state_dict(
        {name: torch.from_numpy(np.array(array)) for name, array in weights.items()}, strict=False
    )
    logits = module.eval()(torch.from_numpy(records.inputs(np.array([row]))))
    label = torch.from_numpy(records.labels[[row]])
    torch.nn.functional.cross_entropy(logits, label).backward()
    return {
        name: 0.0 if value.grad is None else float(value.grad.norm())
        for name, value in module.named_parameters()
        if value.requires_grad
    }


@pytest.mark.parametrize(
    "factory",
    ["common", "grouped", "reflecting", "twice", "sideways", "attending", "dropping"],
)
def test_any_network_s_are_autograd_s(spec_of, factory):
    spec = spec_of(factory)
    records = example_records(spec)
    backend = torch_on()
    weights = dict(example_weights(backend, spec))
    for name, array in weights.items():
        if "running" in name:
            weights[name] = (array + 0.5).astype(np.float32)
    found = backend.gradient_norms(spec, [weights], records, np.arange(48)[None])
    for row in (0, 7, 47):
        expected = by_autograd(spec, weights, records, row)
        assert set(found.parameters) == set(expected)
        for name, norm in zip(found.parameters, found.norms[0, row]):
            assert norm == pytest.approx(expected[name], rel=1e-4, abs=1e-7), name


@pytest.mark.parametrize(
    ("factory", "known"),
    [("common", True), ("dropping", True), ("grouped", False), ("reflecting", False),
     ("twice", False), ("sideways", False), ("attending", False)],
)  # fmt: skip
def test_many_records_go_together_where_that_is_right(spec_of, factory, known):
    spec = spec_of(factory)
    assert is_known(spec, build(spec).eval()) == known


def test_windows_are_copied_in_parts_where_they_are_many(monkeypatch):
    spec = NetworkSpec("resnet18", (1, 8, 8), 4)
    records = example_records(spec, 7)
    models, rows = [example_weights(torch_on(), spec)], np.arange(7)[None]
    whole = torch_on().gradient_norms(spec, models, records, rows).norms
    monkeypatch.setattr(by_record, "WINDOWS", 1000)
    parts = torch_on().gradient_norms(spec, models, records, rows).norms
    assert np.allclose(parts, whole, rtol=1e-4)


@pytest.mark.parametrize("factory", ["convnet", "common", "attending", "always"])
def test_neither_company_nor_workers_move_a_bit(spec_of, factory):
    spec = NetworkSpec("convnet", (1, 19, 22), 4) if factory == "convnet" else spec_of(factory)
    records = example_records(spec, 72)
    models = [example_weights(torch_on(), spec, label) for label in "abc"]
    rows = np.stack([np.roll(np.arange(72), n)[:-3] for n in range(3)])
    rows[1, 20:] = NO_RECORD
    torch.manual_seed(1)
    before = torch.get_rng_state()
    expected = torch_on().gradient_norms(spec, models, records, rows).norms
    assert torch.equal(before, torch.get_rng_state()), "the caller's stream was moved"
    for workers, some in ((1, slice(None)), (3, slice(None, None, -1)), (5, slice(1, 3))):
        found = torch_on(workers=workers).gradient_norms(spec, models[some], records, rows[some])
        assert np.array_equal(found.norms, expected[some])


def test_what_has_no_gradient_is_said_in_a_line(spec_of):
    spec = spec_of("detached")
    weights = example_weights(torch_on(), spec)
    with pytest.raises(NetworkError, match=f"'{spec.name}'") as caught:
        torch_on().gradient_norms(spec, [weights], example_records(spec), np.array([[0]]))
    assert "\n" not in str(caught.value)
