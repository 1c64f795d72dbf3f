"""However a backend may train, its models are the same; and it stays within its memory."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from mia_dual.execution import Execution
from mia_dual.interface import NetworkSpec, Optimizer, Records
from mia_dual.networks import NETWORKS
from mia_dual.registry import load_backend
from mia_dual.testing import example_job, example_mask, example_records, example_spec, train

OPTIMIZERS = [
    Optimizer("sgd", momentum=0.9),
    Optimizer("sgd", momentum=0.5, weight_decay=0.01),
    Optimizer("adam", weight_decay=0.01),
]


def jobs_for(backend, spec):
    """Different records, lengths, rates; last batches that are short; seven models, two masked."""
    wanted = [
        *(
            (str(number), range(number, 32 + number), 2, 0.002 + number / 1e3)
            for number in range(4)
        ),
        ("short", range(16, 46), 2, 0.003),
        ("long", range(7, 36), 5, 0.001),
        ("tiny", range(3, 9), 1, 0.01),
    ]
    jobs = [
        example_job(backend, spec, name, rows, epochs, rate=rate)
        for name, rows, epochs, rate in wanted
    ]
    return [masked(job) if job.name in ("1", "short") else job for job in jobs]


def masked(job):
    return replace(job, mask=example_mask(job.start.weights, job.name))


def first_steps(job, count):
    return replace(job, batches=job.batches[:count], learning_rates=job.learning_rates[:count])


def assert_same(found, expected, tolerance=2e-5, exceptions=0.0):
    assert found.keys() == expected.keys()
    for name in expected:
        for key, array in expected[name].weights.items():
            gaps = np.abs(found[name].weights[key] - array)
            limit = tolerance * max(1, np.abs(array).max())
            assert np.mean(gaps > limit) <= exceptions, (name, key, gaps.max(), limit)


@pytest.mark.parametrize("framework", ["torch", "mindspore"])
@pytest.mark.parametrize(
    ("network", "channels"),
    # Of ResNet18 a colour image is enough: the others stack convolutions of one channel.
    [case for case in product(NETWORKS, (1, 3)) if case != ("resnet18", 1)],
)
def test_together_is_one_by_one(framework, network, channels):
    together, alone = (
        load_backend(framework, "cpu", Execution(mode)) for mode in ("always", "never")
    )
    spec = example_spec(network, channels)
    records = example_records(spec)
    for optimizer in OPTIMIZERS[:: 1 if network == "fcnet" else 2]:
        adam = optimizer.name == "adam"
        # Normalising eight records blows rounding up threefold a step, so there are few of those,
        # and Adam then makes steps of it.
        steps = (2 if adam else 8) if network == "resnet18" else 100
        jobs = [first_steps(job, steps) for job in jobs_for(alone, spec)]
        assert_same(
            train(together, spec, jobs, records, optimizer),
            train(alone, spec, jobs, records, optimizer),
            # Adam divides by the gradient's size, and so moves by noise what has none.
            exceptions=1e-3 if adam else 0,
        )


@pytest.mark.parametrize("framework", ["torch", "mindspore"])
@pytest.mark.parametrize(
    ("network", "shape"),
    [
        ("convnet", (1, 19, 22)),  # odd maps: pools leave a row or a column out
        ("lenet5", (3, 32, 32)),  # conv3 has four places, not one
        ("lenet5", (1, 30, 35)),
    ],
)
def test_odd_images_too(framework, network, shape):
    together, alone = (
        load_backend(framework, "cpu", Execution(mode)) for mode in ("always", "never")
    )
    spec = NetworkSpec(network, shape, 4)
    records = example_records(spec)
    jobs = jobs_for(alone, spec)[-3:]
    assert_same(
        train(together, spec, jobs, records, OPTIMIZERS[1]),
        train(alone, spec, jobs, records, OPTIMIZERS[1]),
    )


@pytest.mark.parametrize("framework", ["torch", "mindspore"])
def test_real_images_with_their_equal_pixels(framework, fashion_mnist):
    """Constant background makes maxima of equals: their gradients must fall alike."""
    together, alone = (
        load_backend(framework, "cpu", Execution(mode)) for mode in ("always", "never")
    )
    images, labels = (part[:500] for part in fashion_mnist)
    spec = NetworkSpec("convnet", (1, 28, 28), 10)
    records = Records(images, labels, scale=1 / 127.5, shift=-1.0)
    jobs = [
        example_job(alone, spec, name, range(start, start + 160), epochs=1, batch_size=4)
        for start, name in ((0, "a"), (100, "b"), (300, "c"))
    ]
    assert_same(
        train(together, spec, jobs, records), train(alone, spec, jobs, records), tolerance=1e-3
    )


@pytest.mark.parametrize("framework", ["torch", "mindspore"])
def test_little_memory_means_small_chunks_and_the_same_models(framework, monkeypatch):
    roomy = load_backend(framework, "cpu", Execution("always"))
    narrow = load_backend(framework, "cpu", Execution("always", memory=1))
    sizes = []
    module = __import__(f"mia_dual_{framework}.training", fromlist=["form_chunks"])
    form_chunks = module.form_chunks

    def noted(*arguments, **options):
        chunks = form_chunks(*arguments, **options)
        sizes.append([len(chunk) for chunk in chunks])
        return chunks

    monkeypatch.setattr(module, "form_chunks", noted)
    spec = example_spec("fcnet")
    records = example_records(spec)
    jobs = jobs_for(roomy, spec)
    assert_same(train(narrow, spec, jobs, records), train(roomy, spec, jobs, records))
    small, large = sizes
    assert small == [1] * 7
    assert len(large) < 7
