"""On PyTorch a model's bits are its job's own: whoever trains beside it, wherever, in what chunks.

Batches and images are odd on purpose: matrices then begin at any address, and tensors end in the
middle of a vector.
"""

import warnings
from dataclasses import replace

import numpy as np
import pytest
import torch

from mia_dual.errors import NetworkError
from mia_dual.execution import Execution
from mia_dual.interface import NO_RECORD, NetworkSpec, Optimizer, Records
from mia_dual.registry import load_backend
from mia_dual.testing import (
    example_job,
    example_mask,
    example_records,
    example_targets,
    train,
    train_keeping,
)

CASES = [
    (NetworkSpec("fcnet", (10,), 10), 15),
    (NetworkSpec("fcnet", (1,), 2), 16),
    (NetworkSpec("fcnet", (1, 28, 28), 10), 3),
    (NetworkSpec("convnet", (1, 28, 28), 10), 4),
    (NetworkSpec("convnet", (1, 19, 22), 10), 5),
    (NetworkSpec("convnet", (3, 28, 28), 10), 33),
    (NetworkSpec("lenet5", (1, 30, 35), 10), 3),
    (NetworkSpec("lenet5", (1, 28, 28), 10), 16),
    (NetworkSpec("resnet18", (1, 8, 8), 10), 7),
]
RULES = [Optimizer("sgd", 0.9, 0.01), Optimizer("adam", weight_decay=0.01)]


def torch_on(mode="auto", **execution):
    return load_backend("torch", "cpu", Execution(mode, **execution))


def jobs_for(spec, batch, records):
    """Seven jobs of unlike records, lengths, rates, and steps taken before; two have masks."""
    backend = torch_on()
    rows = len(records)
    jobs = [
        example_job(
            backend, spec, str(n), range(n, rows - n % 3), 1 + n // 5, batch, 0.001 * (1 + n % 2)
        )
        for n in range(7)
    ]
    jobs[2] = replace(jobs[2], start=replace(jobs[2].start, steps=5))
    jobs[1::3] = [masked(job) for job in jobs[1::3]]
    return jobs


def masked(job):
    return replace(job, mask=example_mask(job.start.weights, job.name))


def first_steps(job, count):
    return replace(
        job, batches=job.batches[:count], learning_rates=job.learning_rates[:count], keep=(2,)
    )


def assert_same_bits(found, expected):
    for kind in ("weights", "moments"):
        ours, theirs = getattr(found, kind), getattr(expected, kind)
        assert ours.keys() == theirs.keys()
        for name in theirs:
            assert np.array_equal(ours[name], theirs[name]), name


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
@pytest.mark.parametrize(
    ("spec", "batch", "mode"),
    [
        *((spec, batch, "auto") for spec, batch in CASES),
        *((spec, batch, "never") for spec, batch in CASES[:6:4]),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_neither_company_nor_workers_nor_memory_move_a_bit(spec, batch, rule, mode):
    records = example_records(spec, 3 * batch + 4)
    jobs = jobs_for(spec, batch, records)
    expected = train(torch_on(mode), spec, jobs, records, rule)
    models = [expected[job.name].weights for job in jobs]
    rows = np.stack([np.roll(np.arange(len(records)), n)[:-2] for n in range(len(jobs))])
    rows[1, 7:] = NO_RECORD
    answers = torch_on(mode).logits(spec, models, records, rows)
    for execution, some in (
        ({"workers": 1}, slice(None)),
        ({"workers": 3}, slice(None, None, -1)),
        ({"memory": 1}, slice(2, 5)),
        ({}, slice(1, 3)),
        ({}, slice(3, 4)),
    ):
        backend = torch_on(mode, **execution)
        for name, state in train(backend, spec, jobs[some], records, rule).items():
            assert_same_bits(state, expected[name])
        asked = backend.logits(spec, models[some], records, rows[some])
        assert np.array_equal(asked, answers[some])


def test_the_threads_that_torch_may_use_move_no_bit():
    usual = torch.get_num_threads()
    for spec, batch in ((CASES[5][0], 33), (CASES[8][0], 7)):
        records = example_records(spec, 3 * batch)
        job = example_job(torch_on(), spec, "a", range(len(records)), 1, batch)
        found = []
        for threads in (1, 2, 4):
            torch.set_num_threads(threads)
            try:
                found.append(train(torch_on(), spec, [job], records)["a"])
                assert torch.get_num_threads() == threads, "the caller's threads were changed"
            finally:
                torch.set_num_threads(usual)
        for state in found[1:]:
            assert_same_bits(state, found[0])


NETS = """
import torch
from torch import nn
from torch.nn import functional

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

def averaging(input_shape, classes):
    return nn.Sequential(
        nn.Flatten(), nn.Linear(36, 9), nn.BatchNorm1d(9, momentum=None), nn.Linear(9, classes)
    )

class Tied(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.first = nn.Linear(36, 36)
        self.second = nn.Linear(36, 36)
        self.second.weight = self.first.weight
        self.frozen = nn.Linear(36, 36).requires_grad_(False)
        self.norm = nn.BatchNorm1d(36)
        self.out = nn.Linear(36, classes)

    def forward(self, images):
        hidden = self.second(torch.tanh(self.first(images.flatten(1))))
        return self.out(self.norm(self.frozen(hidden)))

def tied(input_shape, classes):
    return Tied(classes)
"""


@pytest.fixture
def spec_of(tmp_path, monkeypatch):
    (tmp_path / "nets_that_draw.py").write_text(NETS)
    monkeypatch.syspath_prepend(tmp_path)
    return lambda factory: NetworkSpec(f"nets_that_draw:{factory}", (1, 6, 6), 4)


@pytest.mark.parametrize("factory", ["dropping", "always", "averaging", "tied"])
def test_what_a_network_draws_is_its_job_s_own(spec_of, factory):
    """Dropout comes from the job's stream and the step: in any company, resumed or not."""
    spec = spec_of(factory)
    records = example_records(spec)
    jobs = [
        replace(example_job(torch_on(), spec, str(n), range(n, 30 + n), 3), stream=n, keep=(5,))
        for n in range(5)
    ]
    torch.manual_seed(1)
    before = torch.get_rng_state()
    expected = train_keeping(torch_on(workers=2), spec, jobs, records)
    models = [expected[job.name][-1].state.weights for job in jobs]
    rows = np.tile(np.arange(48), (5, 1))
    answers = torch_on().logits(spec, models, records, rows)
    assert torch.equal(before, torch.get_rng_state()), "the caller's stream was moved"

    for mode, workers, some in (
        ("auto", 1, jobs),
        ("auto", 3, jobs[::-1]),
        ("always", 2, jobs),
        ("never", 2, jobs[2:3]),
    ):
        torch.manual_seed(workers)
        backend = torch_on(mode, workers=workers)
        for name, state in train(backend, spec, some, records).items():
            assert_same_bits(state, expected[name][-1].state)
        assert np.array_equal(backend.logits(spec, models[1:2], records, rows[1:2])[0], answers[1])

    middle = expected["3"][0].state
    rest = replace(
        jobs[3],
        start=middle,
        batches=jobs[3].batches[5:],
        learning_rates=jobs[3].learning_rates[5:],
        keep=(),
    )
    resumed = train(torch_on(), spec, [rest], records)["3"]
    assert_same_bits(resumed, expected["3"][-1].state)

    streams = [replace(jobs[0], name=str(stream), stream=stream, keep=()) for stream in (0, 1)]
    one, other = train(torch_on(), spec, streams, records).values()
    drawn = not np.array_equal(next(iter(one.weights.values())), next(iter(other.weights.values())))
    assert drawn == (factory in ("dropping", "always"))


@pytest.mark.parametrize(
    ("factory", "rule", "taught"),
    [("resnet18", RULES[0], True), *(("tied", rule, rule.name == "adam") for rule in RULES)],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_through_vmap_is_one_by_one(spec_of, factory, rule, taught):
    """What GPUs use for networks that have no layers of ours, here on a CPU."""
    from mia_dual_torch.records import DeviceRecords
    from mia_dual_torch.stacked.stack import make_stack
    from mia_dual_torch.stacked.training import train_together

    spec = NetworkSpec("resnet18", (1, 8, 8), 4) if factory == "resnet18" else spec_of(factory)
    records = example_records(spec)
    data = DeviceRecords(records, torch.device("cpu"))
    jobs = [
        first_steps(example_job(torch_on(), spec, str(n), range(n, 30 + n), rate=0.003), steps)
        for n, steps in ((0, 5), (1, 5), (2, 3))
    ]
    if taught:
        jobs = [replace(job, targets=example_targets(np.arange(0, 48, 2))) for job in jobs]
        learnt = make_stack(spec, jobs, data).values
        for place, job in enumerate(map(masked, jobs)):
            mask = {name: free for name, free in job.mask.items() if name in learnt}
            jobs[place] = replace(job, mask=mask)
    alone = train_keeping(torch_on("never"), spec, jobs, records, rule)
    for chunk in (jobs, jobs[1:2]):
        together = train_together(
            lambda some: make_stack(spec, some, data), spec, rule, chunk, data, lambda steps: None
        )
        found = {}
        for kept in together:
            found.setdefault(kept.name, []).append(kept)
        assert found.keys() == {job.name for job in chunk}
        for name, states in found.items():
            assert [kept.step for kept in states] == [kept.step for kept in alone[name]]
            for ours, theirs in zip(states, alone[name]):
                assert ours.state.steps == theirs.state.steps
                for key, array in theirs.state.weights.items():
                    gaps = np.abs(ours.state.weights[key] - array)
                    assert np.mean(gaps > 1e-4 * max(1, np.abs(array).max())) <= 0.01, key


def test_a_batch_that_cannot_be_normalised_is_said_in_a_line(spec_of):
    spec = spec_of("tied")
    job = example_job(torch_on(), spec, rows=range(4), batch_size=1)
    with pytest.raises(NetworkError, match=f"'{spec.name}' fails on a batch of") as caught:
        train(torch_on(), spec, [job], example_records(spec))
    assert "\n" not in str(caught.value)


def test_records_in_a_read_only_file_s_memory_are_taken_as_they_are(tmp_path):
    spec = NetworkSpec("convnet", (1, 16, 16), 4)
    given = example_records(spec)
    np.save(tmp_path / "features.npy", given.features)
    np.save(tmp_path / "labels.npy", given.labels)
    features, labels = (
        np.load(tmp_path / f"{name}.npy", mmap_mode="r") for name in ("features", "labels")
    )
    records = Records(features, labels, given.scale, given.shift)
    backend = torch_on()
    job = example_job(backend, spec)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        state = train(backend, spec, [job], records)["a"]
        rows = np.arange(48)[None]
        answers = backend.logits(spec, [state.weights], records, rows)
    assert_same_bits(state, train(backend, spec, [job], given)["a"])
    assert np.array_equal(answers, backend.logits(spec, [state.weights], given, rows))

    from mia_dual_torch.records import DeviceRecords

    taken = DeviceRecords(records, torch.device("cpu"))
    assert taken.features.data_ptr() == features.ctypes.data, "the records were copied"
