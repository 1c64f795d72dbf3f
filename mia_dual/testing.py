"""The conformance kit: what any backend must pass, ours or a third party's.

A backend's author runs all of it with one parametrised test::

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_conformance(check):
        check(MyBackend("cpu"))

Each check takes a backend and raises AssertionError with a sentence on what is wrong.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Callable

import numpy as np
from scipy.special import log_softmax

from mia_dual.errors import BackendError, DivergedError, MiaDualError, NetworkError
from mia_dual.interface import (
    NO_RECORD,
    Backend,
    NetworkSpec,
    Optimizer,
    Records,
    TrainedModel,
    TrainingJob,
    Weights,
)
from mia_dual.networks import NETWORKS, smallest_image
from mia_dual.seeds import generator
from mia_dual.training.batches import draw_batches
from mia_dual.training.weights import draw_weights

Check = Callable[[Backend], None]

CLASSES = 4
SGD = Optimizer("sgd", momentum=0.9)

PARAMETER_NAMES = {
    "fcnet": {"fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"},
    "convnet": {
        f"{layer}.{kind}"
        for layer in ("conv1", "conv2", "fc1", "fc2", "fc3")
        for kind in ("weight", "bias")
    },
    "lenet5": {
        f"{layer}.{kind}"
        for layer in ("conv1", "conv2", "conv3", "fc1", "fc2")
        for kind in ("weight", "bias")
    },
}


def example_spec(network: str, channels: int = 1) -> NetworkSpec:
    """``network`` on the smallest images it takes."""
    side = smallest_image(network) if network != "fcnet" else 8
    return NetworkSpec(network, (channels, side, side), CLASSES, hidden=16)


def example_records(spec: NetworkSpec, count: int = 48) -> Records:
    """Images whose left half is the brighter the higher their class: learnable, and random."""
    rng = generator(0, "testing", "records", str(spec.input_shape))
    labels = np.arange(count, dtype=np.int64) % spec.classes
    images = rng.integers(0, 128, (count, *spec.input_shape)).astype(np.uint8)
    half = spec.input_shape[-1] // 2
    images[..., :half] += (labels * 30).astype(np.uint8).reshape(-1, *[1] * len(spec.input_shape))
    return Records(images, labels, scale=1 / 127.5, shift=-1.0)


def example_weights(backend: Backend, spec: NetworkSpec, label: str = "a") -> Weights:
    """Fresh weights, different for every ``label``."""
    return draw_weights(backend.parameter_shapes(spec), generator(0, "testing", label))


def example_job(
    backend: Backend,
    spec: NetworkSpec,
    label: str = "a",
    rows: Sequence[int] = range(32),
    epochs: int = 2,
    batch_size: int = 8,
    rate: float = 0.01,
) -> TrainingJob:
    """A short training on ``rows``."""
    batches = draw_batches(
        np.asarray(rows), epochs, batch_size, generator(0, "testing", "order", label)
    )
    return TrainingJob(
        label, example_weights(backend, spec, label), batches, np.full(len(batches), rate)
    )


def train(
    backend: Backend,
    spec: NetworkSpec,
    jobs: Sequence[TrainingJob],
    records: Records,
    optimizer: Optimizer = SGD,
) -> dict[str, TrainedModel]:
    """Train ``jobs`` to the end."""
    models = backend.train(spec, optimizer, jobs, records, lambda steps: None)
    return {model.name: model for model in models}


def check_environment_names_framework_version_and_device(backend: Backend) -> None:
    """A run folder says what made it, and keys depend on it."""
    environment = backend.environment()
    for key in ("framework", "version", "device"):
        assert environment.get(key), f"environment() does not say '{key}'"
    assert environment["device"] in backend.devices(), "the device is not among devices()"


def check_unknown_device_is_refused(backend: Backend) -> None:
    """A device that does not exist is an error of one line."""
    try:
        type(backend)("no-such-device")
    except BackendError as error:
        assert "no-such-device" in str(error), "the error does not name the device"
    else:
        raise AssertionError("a device that does not exist was taken")


def check_parameter_names_are_canonical(backend: Backend) -> None:
    """The names of every network are those other backends use."""
    for network, expected in PARAMETER_NAMES.items():
        found = set(backend.parameter_shapes(example_spec(network)))
        assert found == expected, f"{network}: {sorted(found ^ expected)} differ"
    resnet = set(backend.parameter_shapes(example_spec("resnet18")))
    for name in ("bn1.running_var", "block1.shortcut_conv.weight", "block4.bn2.running_mean"):
        assert name in resnet, f"resnet18 lacks '{name}'"
    assert "block4.shortcut_conv.weight" not in resnet, "block4 keeps its channels: no shortcut"


def check_every_network_takes_one_and_three_channels(backend: Backend) -> None:
    """Logits have the shape and type asked for, at 28 and 32 pixels and at the smallest."""
    for network in NETWORKS:
        for channels in (1, 3):
            for side in sorted({smallest_image(network), 28, 32} - {1}):
                spec = NetworkSpec(network, (channels, side, side), CLASSES)
                records = example_records(spec, 3)
                logits = backend.logits(spec, [example_weights(backend, spec)], records)
                assert logits.shape == (1, 3, CLASSES), f"{spec}: logits {logits.shape}"
                assert logits.dtype == np.float32, f"{spec}: logits are {logits.dtype}"
                assert np.isfinite(logits).all(), f"{spec}: logits are not finite"


def check_tabular_records_pass_fcnet(backend: Backend) -> None:
    """FCNet takes vectors, as an attack model does, and computes what NumPy computes."""
    spec = NetworkSpec("fcnet", (5,), classes=2, hidden=7)
    features = generator(0, "testing", "tabular").normal(size=(6, 5)).astype(np.float32)
    weights = example_weights(backend, spec)
    records = Records(features, np.zeros(6, np.int64))
    hidden = np.maximum(features @ weights["fc1.weight"].T + weights["fc1.bias"], 0)
    expected = hidden @ weights["fc2.weight"].T + weights["fc2.bias"]
    logits = backend.logits(spec, [weights], records)[0]
    assert np.allclose(logits, expected, atol=1e-5), "fcnet is not what NumPy computes"


def check_training_learns(backend: Backend) -> None:
    """The loss falls; the weights given are left as they were."""
    for network in ("fcnet", "convnet", "resnet18"):
        spec = example_spec(network)
        records = example_records(spec)
        job = example_job(backend, spec, epochs=10)
        given = {name: array.copy() for name, array in job.weights.items()}
        model = train(backend, spec, [job], records)["a"]
        before = _loss(backend, spec, job.weights, records)
        after = _loss(backend, spec, model.weights, records)
        assert after < before, f"{network}: the loss went from {before:.3f} to {after:.3f}"
        for name, array in given.items():
            assert np.array_equal(array, job.weights[name]), f"train() changed given '{name}'"
            assert model.weights[name].dtype == np.float32, f"'{name}' is not float32"


def check_first_sgd_step_is_what_numpy_computes(backend: Backend) -> None:
    """One step with weight decay on a linear-by-ReLU network, against the chain rule by hand."""
    spec = NetworkSpec("fcnet", (5,), classes=3, hidden=7)
    rng = generator(0, "testing", "step")
    records = Records(rng.normal(size=(4, 5)).astype(np.float32), np.array([0, 1, 2, 1], np.int64))
    weights = example_weights(backend, spec)
    job = TrainingJob("a", weights, np.array([[0, 1, 2, NO_RECORD]]), np.array([0.1]))
    optimizer = Optimizer("sgd", momentum=0.9, weight_decay=0.05)
    trained = train(backend, spec, [job], records, optimizer)["a"].weights

    inputs, labels = records.features[:3].astype(np.float64), records.labels[:3]
    hidden = np.maximum(inputs @ weights["fc1.weight"].T + weights["fc1.bias"], 0)
    logits = hidden @ weights["fc2.weight"].T + weights["fc2.bias"]
    error = (np.exp(log_softmax(logits, axis=1)) - np.eye(3)[labels]) / 3
    back = (error @ weights["fc2.weight"]) * (hidden > 0)
    gradients = {
        "fc2.weight": error.T @ hidden,
        "fc2.bias": error.sum(0),
        "fc1.weight": back.T @ inputs,
        "fc1.bias": back.sum(0),
    }
    for name, gradient in gradients.items():
        expected = weights[name] - 0.1 * (gradient + 0.05 * weights[name])
        assert np.allclose(trained[name], expected, atol=1e-6), f"'{name}' is off after a step"


def check_learning_rate_is_taken_step_by_step(backend: Backend) -> None:
    """A step at rate 0 changes nothing; without momentum the next one still counts in full."""
    spec = example_spec("fcnet")
    records = example_records(spec)
    job = example_job(backend, spec, epochs=1)
    plain = Optimizer("sgd", momentum=0.0)
    still = replace(job, learning_rates=np.zeros(len(job.batches)))
    weights = train(backend, spec, [still], records, plain)["a"].weights
    for name in weights:
        assert np.array_equal(weights[name], job.weights[name]), f"rate 0 moved '{name}'"
    rates = np.zeros(len(job.batches))
    rates[-1] = 0.1
    late = train(backend, spec, [replace(job, learning_rates=rates)], records, plain)["a"]
    last = replace(job, batches=job.batches[-1:], learning_rates=rates[-1:])
    alone = train(backend, spec, [last], records, plain)["a"]
    _assert_close(late, alone, "rates are not taken step by step")


def check_padding_is_no_record(backend: Backend) -> None:
    """A short batch gives what the same batch without padding gives, normalisation included."""
    for network in ("convnet", "resnet18"):
        spec = example_spec(network)
        records = example_records(spec)
        job = example_job(backend, spec, epochs=1)
        padded = np.full((len(job.batches), 11), NO_RECORD, np.int64)
        padded[:, :8] = job.batches
        plain = train(backend, spec, [job], records)["a"]
        filled = train(backend, spec, [replace(job, batches=padded)], records)["a"]
        _assert_close(plain, filled, f"{network}: padding changed the model")


def check_together_equals_one_by_one(backend: Backend) -> None:
    """Jobs of one call do not touch each other, whatever their lengths and records."""
    for network in NETWORKS:
        for optimizer in (SGD, Optimizer("adam")):
            spec = example_spec(network)
            records = example_records(spec)
            jobs = [
                example_job(backend, spec, "a", range(0, 32), rate=0.003),
                example_job(backend, spec, "b", range(16, 43), rate=0.002),
                example_job(backend, spec, "c", range(5, 30), epochs=3, rate=0.001),
            ]
            together = train(backend, spec, jobs, records, optimizer)
            assert sorted(together) == ["a", "b", "c"], f"{network}: models {sorted(together)}"
            for job in jobs:
                alone = train(backend, spec, [job], records, optimizer)[job.name]
                _assert_close(
                    together[job.name], alone, f"{network}, {optimizer.name}: company matters"
                )


def check_training_repeats_itself(backend: Backend) -> None:
    """The same job gives the same bits, so that a run's results are the same bytes."""
    for network in NETWORKS:
        spec = example_spec(network)
        records = example_records(spec)
        job = example_job(backend, spec)
        first, second = (train(backend, spec, [job], records)["a"].weights for _ in range(2))
        for name in first:
            assert np.array_equal(first[name], second[name]), f"{network}: '{name}' differs"


def check_queries_are_in_evaluation_mode(backend: Backend) -> None:
    """A record's logits do not depend on its company, and asking changes nothing."""
    spec = example_spec("resnet18")
    records = example_records(spec)
    model = train(backend, spec, [example_job(backend, spec)], records)["a"].weights
    whole = backend.logits(spec, [model], records)[0]
    some = np.array([3, 1, 7])
    part = backend.logits(spec, [model], records.take(some))[0]
    assert np.allclose(whole[some], part, atol=1e-5), "logits depend on the records beside"
    again = backend.logits(spec, [model], records)[0]
    assert np.array_equal(whole, again), "asking changed the model"


def check_running_statistics_move(backend: Backend) -> None:
    """Batch normalisation trains in training mode: its running statistics follow the data."""
    spec = example_spec("resnet18")
    model = train(backend, spec, [example_job(backend, spec)], example_records(spec))["a"].weights
    assert np.abs(model["bn1.running_mean"]).max() > 0, "running means stayed at 0"
    assert np.abs(model["bn1.running_var"] - 1).max() > 0, "running variances stayed at 1"


def check_many_models_are_queried_at_once(backend: Backend) -> None:
    """Each model answers for itself, in the order given."""
    for network in NETWORKS:
        spec = example_spec(network)
        records = example_records(spec, 5)
        models = [example_weights(backend, spec, label) for label in "abc"]
        together = backend.logits(spec, models, records)
        for model, logits in zip(models, together):
            alone = backend.logits(spec, [model], records)[0]
            assert np.allclose(logits, alone, atol=1e-5), f"{network}: models are mixed up"


def check_steps_are_reported(backend: Backend) -> None:
    """Progress adds up to the steps of all jobs."""
    spec = example_spec("fcnet")
    jobs = [
        example_job(backend, spec, "a", epochs=40),
        example_job(backend, spec, "b", range(20), epochs=3),
    ]
    told: list[int] = []
    for _ in backend.train(spec, SGD, jobs, example_records(spec), told.append):
        pass
    total = sum(len(job.batches) for job in jobs)
    assert sum(told) == total, f"{sum(told)} steps were reported of {total}"


def check_divergence_names_the_model(backend: Backend) -> None:
    """A loss that is no number stops the training, and says whose it was."""
    spec = example_spec("fcnet")
    records = example_records(spec)
    jobs = [
        example_job(backend, spec, "calm"),
        example_job(backend, spec, "wild", epochs=60, rate=1e30),
    ]
    _assert_raises(DivergedError, "wild", lambda: train(backend, spec, jobs, records))


def check_bad_networks_are_refused(backend: Backend) -> None:
    """An unknown network, a factory that is not there, and records that are too small."""
    cases = {
        "no-such-network": NetworkSpec("no-such-network", (1, 28, 28), CLASSES),
        "no_such_package:factory": NetworkSpec("no_such_package:factory", (1, 28, 28), CLASSES),
        "lenet5": NetworkSpec("lenet5", (1, 8, 8), CLASSES),
        "convnet": NetworkSpec("convnet", (30,), CLASSES),
    }
    for name, spec in cases.items():
        _assert_raises(NetworkError, name, lambda spec=spec: backend.parameter_shapes(spec))  # type: ignore[misc]


def check_weights_that_do_not_fit_are_refused(backend: Backend) -> None:
    """A missing parameter and a wrong shape are named."""
    spec = example_spec("fcnet")
    records = example_records(spec, 2)
    weights = dict(example_weights(backend, spec))
    lacking = {name: array for name, array in weights.items() if name != "fc2.bias"}
    wrong = {**weights, "fc1.weight": np.zeros((3, 3), np.float32)}
    for broken, name in ((lacking, "fc2.bias"), (wrong, "fc1.weight")):
        _assert_raises(
            NetworkError,
            name,
            lambda broken=broken: backend.logits(spec, [broken], records),  # type: ignore[misc]
        )


CHECKS: list[Check] = [
    check
    for name, check in sorted(globals().items())
    if name.startswith("check_") and callable(check)
]
"""All checks, by name."""


def _loss(backend: Backend, spec: NetworkSpec, weights: Weights, records: Records) -> float:
    logits = backend.logits(spec, [weights], records)[0].astype(np.float64)
    chosen = log_softmax(logits, axis=1)[np.arange(len(records)), records.labels]
    return float(-chosen.mean())


def _assert_close(first: TrainedModel, second: TrainedModel, complaint: str) -> None:
    for name in first.weights:
        gap = float(np.abs(first.weights[name] - second.weights[name]).max())
        assert gap <= 1e-4, f"{complaint}: '{name}' differs by {gap:.2g}"


def _assert_raises(kind: type[MiaDualError], naming: str, act: Callable[[], object]) -> None:
    try:
        act()
    except kind as error:
        assert naming in str(error), f"the error does not name '{naming}': {error}"
        assert "\n" not in str(error), f"the error is of several lines: {error}"
    else:
        raise AssertionError(f"'{naming}' should have raised {kind.__name__}")
