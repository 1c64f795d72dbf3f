"""ResNet18 by layers of ours is PyTorch's own: in float64, where rounding hides nothing."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from mia_dual.errors import NetworkError
from mia_dual.interface import NetworkSpec, Optimizer
from mia_dual.registry import load_backend
from mia_dual.testing import example_job, example_records, train, train_keeping
from mia_dual_torch.networks import build
from mia_dual_torch.records import DeviceRecords
from mia_dual_torch.stacked.residual import ResidualStack
from mia_dual_torch.stacked.stack import put, taken
from mia_dual_torch.stacked.updates import StackedUpdate
from mia_dual_torch.weights import unload


@pytest.fixture
def float64():
    usual, threads = torch.get_default_dtype(), torch.get_num_threads()
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(1)
    yield
    torch.set_default_dtype(usual)
    torch.set_num_threads(threads)


@pytest.mark.parametrize(
    ("shape", "batch", "short"),
    [
        ((1, 28, 28), 4, 1),
        ((3, 20, 33), 5, 2),  # maps that are not square, of even and odd sides
        ((1, 8, 8), 16, 12),  # last maps of one pixel: eight of nine taps see nothing
    ],
)
def test_five_steps_are_those_of_pytorch_s_own_layers(float64, shape, batch, short):
    spec = NetworkSpec("resnet18", shape, 10)
    data = DeviceRecords(example_records(spec, 48), torch.device("cpu"))
    module = build(spec, seed=1).train()
    rule = Optimizer("sgd", momentum=0.9, weight_decay=0.01)
    theirs = torch.optim.SGD(module.parameters(), lr=0.01, momentum=0.9, weight_decay=0.01)
    stack = ResidualStack(spec, batch, data)
    update = StackedUpdate(rule, stack.values, np.zeros(1, np.int64))
    start = unload(module)
    put(stack.state, 0, start)
    for step in range(5):
        records = short if step in (1, 2) else batch
        rows = (torch.arange(records) * 5 + step)[None] % 48
        shares = torch.linspace(0.5, 1.5, records)[None] / records
        logits = module(data.inputs(rows[0]).double())
        losses = functional.cross_entropy(logits, data.labels[rows[0]], reduction="none")
        theirs.zero_grad()
        (losses @ shares[0]).backward()
        theirs.step()
        with torch.no_grad():
            stack.differentiate(rows, data.labels[rows], shares, step)
            update.apply(stack.gradients, np.full(1, 0.01))
    found, expected = taken(stack.state, 0), unload(module)
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        assert np.abs(array - start[name]).max() > 1e-4, f"{name} did not move"
        assert np.abs(found[name] - array).max() <= 1e-11, name


def test_resumed_or_not_short_batches_or_not_the_bits_are_the_same():
    spec = NetworkSpec("resnet18", (1, 28, 28), 4)
    records, backend = example_records(spec, 60), load_backend("torch", "cpu")
    rule = Optimizer("sgd", 0.9)
    job = replace(example_job(backend, spec, "a", range(30), 2, batch_size=8), keep=(3, 4))
    first, second, end = train_keeping(backend, spec, [job], records, rule)["a"]
    for kept in (first, second):
        rest = replace(
            job,
            start=kept.state,
            batches=job.batches[kept.step :],
            learning_rates=job.learning_rates[kept.step :],
            keep=(),
        )
        resumed = train(backend, spec, [rest], records, rule)["a"]
        for name, array in end.state.weights.items():
            assert np.array_equal(resumed.weights[name], array), name


def test_a_record_alone_that_cannot_be_normalised_is_said_in_a_line():
    spec, backend = NetworkSpec("resnet18", (1, 8, 8), 4), load_backend("torch", "cpu")
    job = example_job(backend, spec, rows=range(4), batch_size=1)
    with pytest.raises(NetworkError, match="'resnet18' fails on a batch of records: one") as caught:
        train(backend, spec, [job], example_records(spec))
    assert "\n" not in str(caught.value)
