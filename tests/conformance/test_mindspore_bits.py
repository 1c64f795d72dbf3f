"""On MindSpore a model has the same bits however the machine was used to train it."""

from dataclasses import replace

import numpy as np
import pytest

from mia_dual.errors import NetworkError
from mia_dual.execution import Execution
from mia_dual.interface import NetworkSpec, Optimizer
from mia_dual.registry import load_backend
from mia_dual.testing import (
    ask,
    example_job,
    example_mask,
    example_records,
    example_spec,
    part_of,
    train,
    train_keeping,
)

DRAWING = """
from mindspore import nn, ops

def drops(input_shape, classes):
    return nn.SequentialCell(
        nn.Conv2d(1, 3, 3, has_bias=True), nn.Dropout2d(0.3), nn.Flatten(), nn.Dropout(p=0.4),
        nn.Dense(3 * input_shape[1] * input_shape[2], classes), nn.Dropout(p=0.2),
    )

class Functional(nn.Cell):
    def __init__(self, features, classes):
        super().__init__()
        self.fc = nn.Dense(features, classes)

    def construct(self, images):
        return self.fc(ops.dropout(images.reshape(images.shape[0], -1), 0.5, self.training))

def functional(input_shape, classes):
    return Functional(input_shape[1] * input_shape[2], classes)

def normalised(input_shape, classes):
    width = input_shape[1] * input_shape[2]
    return nn.SequentialCell(nn.Flatten(), nn.BatchNorm1d(width), nn.Dense(width, classes))
"""


def backend(**execution):
    return load_backend("mindspore", "cpu", Execution(**execution))


@pytest.fixture
def drawing(tmp_path, monkeypatch):
    (tmp_path / "drawing_nets.py").write_text(DRAWING)
    monkeypatch.syspath_prepend(tmp_path)
    return lambda factory: NetworkSpec(f"drawing_nets:{factory}", (1, 6, 6), 4)


def assert_same_bits(found, expected):
    assert found.keys() == expected.keys()
    for name in expected:
        for kind in ("weights", "moments"):
            ours, theirs = getattr(found[name], kind), getattr(expected[name], kind)
            assert ours.keys() == theirs.keys()
            for key in ours:
                assert np.array_equal(ours[key], theirs[key]), (name, key)


@pytest.mark.parametrize(
    ("spec", "batch_size", "count"),
    [
        # Odd numbers of models and sizes: products are then cut between threads within a model.
        (NetworkSpec("convnet", (1, 19, 22), 7), 5, 5),
        (NetworkSpec("fcnet", (1, 8, 8), 7, hidden=13), 8, 11),
        (NetworkSpec("lenet5", (1, 29, 30), 4), 3, 3),
        (example_spec("resnet18"), 8, 3),
    ],
    ids=lambda value: getattr(value, "name", str(value)),
)
def test_workers_memory_and_company_move_no_bit(spec, batch_size, count):
    records = example_records(spec, 64)
    jobs = [
        example_job(
            backend(),
            spec,
            str(number),
            range(number, 24 + batch_size * number // 2),
            1,
            batch_size,
        )
        for number in range(count)
    ]
    jobs[2::3] = [
        replace(job, mask=example_mask(job.start.weights, job.name)) for job in jobs[2::3]
    ]
    expected = train(backend(workers=1), spec, jobs, records)
    assert_same_bits(train(backend(workers=2), spec, jobs, records), expected)
    assert_same_bits(train(backend(workers=1, memory=1), spec, jobs[:2], records),
                     {name: expected[name] for name in "01"})  # fmt: skip
    middle = jobs[count // 2]
    alone = train(backend(workers=2), spec, [middle], records)
    assert_same_bits(alone, {middle.name: expected[middle.name]})


def test_queries_do_not_depend_on_the_workers():
    spec = example_spec("convnet")
    records = example_records(spec, 40)
    models = [example_job(backend(), spec, str(number)).start.weights for number in range(3)]
    rows = np.tile(np.arange(9000) % 40, (3, 1))
    rows[1, 8800:] = -1
    one, two = (backend(workers=n).logits(spec, models, records, rows) for n in (1, 2))
    assert np.array_equal(one, two)
    assert not one[1, 8800:].any()
    assert np.allclose(one[2, :40], ask(backend(), spec, [models[2]], records)[0], atol=1e-5)


def test_gradient_norms_do_not_depend_on_the_workers():
    spec = NetworkSpec("convnet", (1, 19, 22), 7)
    records = example_records(spec, 64)
    models = [example_job(backend(), spec, str(number)).start.weights for number in range(3)]
    rows = np.tile(np.arange(1100) % 64, (3, 1))
    rows[:, 70:1020] = -1
    one, two = (backend(workers=n).gradient_norms(spec, models, records, rows) for n in (1, 2))
    assert np.array_equal(one.norms, two.norms)
    assert not one.norms[:, 70:1020].any()
    alone = backend(workers=1).gradient_norms(spec, models[2:], records, rows[2:])
    assert np.array_equal(alone.norms[0], one.norms[2])


def test_dropout_draws_from_the_jobs_stream_and_step_alone(drawing):
    spec = drawing("drops")
    records = example_records(spec)
    one, two = backend(workers=1), backend(workers=2)
    jobs = [
        replace(example_job(one, spec, name, epochs=3), stream=stream, keep=(5,))
        for name, stream in (("a", 3), ("b", 4), ("c", 2**62))
    ]
    kept = train_keeping(one, spec, jobs, records)
    expected = {name: states[-1].state for name, states in kept.items()}
    assert_same_bits(train(one, spec, jobs, records), expected)
    assert_same_bits(train(two, spec, jobs[::-1], records), expected)
    rest = part_of(jobs[1], 5, 12, kept["b"][0].state)
    assert_same_bits(train(two, spec, [rest], records), {"b": expected["b"]})
    # Another stream, or the same one step later, drops other numbers.
    other = train(one, spec, [replace(jobs[0], stream=5)], records)["a"]
    assert not np.array_equal(other.weights["4.weight"], expected["a"].weights["4.weight"])
    first = replace(part_of(jobs[0], 0, 1, jobs[0].start), stream=3)
    later = replace(first, start=replace(first.start, steps=1))
    one_step, a_later_one = (
        train(one, spec, [job], records, Optimizer("sgd"))["a"].weights["4.weight"]
        for job in (first, later)
    )
    assert not np.array_equal(one_step, a_later_one)


def test_what_draws_and_cannot_be_seeded_is_refused(drawing):
    spec = drawing("functional")
    job = example_job(backend(), spec)
    with pytest.raises(NetworkError, match=r"nn\.Dropout") as caught:
        train(backend(), spec, [job], example_records(spec))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("network", ["resnet18", "normalised"])
def test_a_batch_of_one_is_refused_by_what_normalises(drawing, network):
    spec = drawing(network) if network == "normalised" else example_spec(network)
    job = example_job(backend(), spec, rows=range(9))
    assert (job.batches >= 0).sum(axis=1).min() > 1
    job.batches[1, 1:] = -1
    with pytest.raises(NetworkError, match="batch of one record") as caught:
        train(backend(), spec, [job], example_records(spec))
    assert "\n" not in str(caught.value)
