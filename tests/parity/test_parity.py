"""Equal weights and batches give equal models on both frameworks.

Tolerances are what was measured, rounded up; float32 sums in another order are all that parts
the two.
"""

from dataclasses import replace

import numpy as np
import pytest

from mia_dual.interface import NetworkSpec, Optimizer, Records, State, TrainingJob
from mia_dual.seeds import generator
from mia_dual.testing import ask, example_records, example_weights
from mia_dual.training.batches import draw_batches, learning_rates

SPECS = [
    NetworkSpec(network, (channels, side, side), 10)
    for network, sides in {
        "fcnet": (8, 28, 32),
        "convnet": (16, 28, 32),
        "lenet5": (28, 32),
        "resnet18": (8, 28, 32),
    }.items()
    for channels in (1, 3)
    for side in sides
]


def largest_gap(one, other):
    return max(float(np.abs(one[name] - other[name]).max()) for name in one)


def train_both(backends, spec, optimizer, job, records):
    both = []
    for backend in backends:
        (model,) = backend.train(spec, optimizer, [job], records, lambda steps: None)
        both.append(model.state.weights)
    return both


@pytest.fixture
def backends(torch_backend, mindspore_backend):
    return torch_backend, mindspore_backend


@pytest.fixture(scope="session")
def clothes(fashion_mnist):
    images, labels = fashion_mnist
    return Records(images[:3000], labels[:3000], scale=1 / 127.5, shift=-1.0)


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: f"{spec.name}-{spec.input_shape}")
def test_equal_weights_give_equal_logits(backends, spec):
    ours, theirs = (backend.fresh(spec, 0) for backend in backends)
    assert {name: array.shape for name, array in ours.items()} == {
        name: array.shape for name, array in theirs.items()
    }
    weights = dict(example_weights(backends[0], spec))
    rng = generator(0, "parity", spec.name)
    for name, array in weights.items():
        # Normalisation away from the identity, or a mix-up of its four arrays would not show.
        if name.endswith("running_var") or ("bn" in name and name.endswith("weight")):
            weights[name] = rng.uniform(0.5, 1.5, array.shape).astype(np.float32)
        elif "bn" in name:
            weights[name] = rng.normal(0, 0.3, array.shape).astype(np.float32)
    records = example_records(spec, 40)
    ours, theirs = (ask(backend, spec, [weights], records) for backend in backends)
    assert np.abs(ours - theirs).max() <= 1e-5


@pytest.mark.parametrize(
    ("network", "optimizer", "rate", "steps", "tolerance"),
    [
        ("convnet", Optimizer("sgd", momentum=0.9), 0.01, 50, 1e-3),
        ("convnet", Optimizer("sgd", momentum=0.9, weight_decay=0.01), 0.01, 50, 1e-3),
        ("convnet", Optimizer("adam"), 0.001, 50, 5e-3),
        ("lenet5", Optimizer("sgd", momentum=0.9), 0.01, 50, 1e-3),
        ("fcnet", Optimizer("adam", weight_decay=0.01), 0.001, 50, 1e-3),
        ("resnet18", Optimizer("sgd", momentum=0.9, weight_decay=0.01), 0.02, 10, 2e-3),
    ],
    ids=lambda value: getattr(value, "name", value),
)
def test_logits_agree_after_training_on_fashion_mnist(
    backends, clothes, record_property, network, optimizer, rate, steps, tolerance
):
    spec = NetworkSpec(network, (1, 28, 28), 10)
    batches = draw_batches(np.arange(len(clothes)), 1, 32, generator(0, "parity"))[:steps]
    job = TrainingJob(
        "parity",
        State(example_weights(backends[0], spec)),
        batches,
        learning_rates(rate, 5, steps, decay_every=2, decay=0.5),
    )
    both = train_both(backends, spec, optimizer, job, clothes)
    start = ask(backends[0], spec, [job.start.weights], clothes.take(np.arange(200)))
    ours, theirs = (
        ask(backend, spec, [weights], clothes.take(np.arange(200)))
        for backend, weights in zip(backends, both)
    )
    gap = float(np.abs(ours - theirs).max())
    record_property("largest difference of logits", gap)
    assert np.abs(ours - start).max() > 50 * tolerance, "nothing was learnt: nothing compared"
    assert gap <= tolerance


def test_running_statistics_agree_short_batches_included(backends):
    spec = NetworkSpec("resnet18", (3, 28, 28), 10)
    records = example_records(spec, 30)
    batches = draw_batches(np.arange(30), 1, 8, generator(0, "parity"))
    job = TrainingJob("a", State(example_weights(backends[0], spec)), batches, np.full(4, 0.01))
    ours, theirs = train_both(backends, spec, Optimizer("sgd"), job, records)
    for name in ours:
        if "running" in name:
            assert np.allclose(ours[name], theirs[name], rtol=1e-3, atol=1e-4), name


def test_first_adam_steps_agree_where_gradients_are_tiny(backends):
    """Epsilon is added to the corrected second moment: it tells where gradients are as small."""
    spec = NetworkSpec("fcnet", (6,), 2, hidden=5)
    rng = generator(0, "parity", "tiny")
    features = (rng.normal(size=(8, 6)) * 1e-6).astype(np.float32)
    records = Records(features, np.arange(8, dtype=np.int64) % 2)
    job = TrainingJob(
        "a",
        State(example_weights(backends[0], spec)),
        np.arange(8)[None, :].repeat(3, 0),
        np.ones(3),
    )
    job = replace(job, learning_rates=np.full(3, 1e-2))
    ours, theirs = train_both(backends, spec, Optimizer("adam"), job, records)
    moved = np.abs(ours["fc1.weight"] - job.start.weights["fc1.weight"])
    assert moved.max() > 1e-3
    assert largest_gap(ours, theirs) <= 1e-3 * moved.max()


def test_weights_written_by_one_load_in_the_other(backends, tmp_path):
    import safetensors.numpy

    spec = NetworkSpec("resnet18", (3, 28, 28), 10)
    records = example_records(spec, 20)
    for writer, reader in (backends, backends[::-1]):
        job = TrainingJob(
            "a", State(example_weights(writer, spec)), np.arange(20)[None], np.full(1, 0.01)
        )
        (model,) = writer.train(spec, Optimizer("sgd"), [job], records, lambda steps: None)
        file = tmp_path / f"{writer.name}.safetensors"
        safetensors.numpy.save_file(model.state.weights, file)
        loaded = safetensors.numpy.load_file(file)
        ours = ask(writer, spec, [model.state.weights], records)
        theirs = ask(reader, spec, [loaded], records)
        assert np.abs(ours - theirs).max() <= 1e-5
