"""The conformance kit: what any backend must pass, ours or a third party's.

A backend's author runs what of it applies with one parametrised test::

    @pytest.mark.parametrize("check", checks_for(MyBackend), ids=lambda check: check.__name__)
    def test_conformance(check):
        check(MyBackend("cpu"))

Each check takes a backend and raises AssertionError with a sentence on what is wrong. Which apply
is said by the capabilities that a backend declares and the networks it names, never by its name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Callable, Optional, TypeVar

import numpy as np
from scipy.special import log_softmax

from mia_dual.errors import BackendError, DivergedError, MiaDualError, NetworkError
from mia_dual.interface import (
    NO_RECORD,
    Backend,
    Capability,
    KeptState,
    NetworkSpec,
    Optimizer,
    Option,
    Records,
    State,
    Targets,
    TrainingJob,
    Weights,
)
from mia_dual.networks import ESTIMATORS, NETWORKS, blank_weights, normalises, smallest_image
from mia_dual.seeds import generator
from mia_dual.training.batches import draw_batches
from mia_dual.training.lockstep import job_shares
from mia_dual.training.weights import draw_weights

Check = Callable[[Backend], None]
AnyCheck = TypeVar("AnyCheck", bound=Check)

CLASSES = 4
SGD = Optimizer("sgd", momentum=0.9)


@dataclass(frozen=True)
class Conditions:
    """When a check applies: ``needed`` are declared, ``lacking`` is not, ``network`` is named."""

    needed: frozenset[Capability] = frozenset()
    lacking: Optional[Capability] = None
    network: Optional[str] = None

    def hold(self, backend: type[Backend]) -> bool:
        """Whether they do for ``backend``."""
        return (
            self.needed <= backend.capabilities
            and self.lacking not in backend.capabilities
            and (self.network is None or self.network in backend.networks)
        )


CONDITIONS: dict[Check, Conditions] = {}
"""Of each check that does not apply to all."""


def needs(
    *capabilities: Capability, network: Optional[str] = None, lacking: Optional[Capability] = None
) -> Callable[[AnyCheck], AnyCheck]:
    """Mark a check as one that applies under these conditions alone."""

    def mark(check: AnyCheck) -> AnyCheck:
        CONDITIONS[check] = Conditions(frozenset(capabilities), lacking, network)
        return check

    return mark


def checks_for(backend: type[Backend]) -> list[Check]:
    """The checks that apply to ``backend``, by name."""
    return [check for check in CHECKS if CONDITIONS.get(check, Conditions()).hold(backend)]


FEW_TREES: dict[str, tuple[tuple[str, Option], ...]] = {
    "random_forest": (("n_estimators", 10),),
    "gradient_boosting": (("max_iter", 10),),
}
"""Options of networks that are made of trees: what is checked does not take a hundred of them."""


def example_spec(network: str, channels: int = 1) -> NetworkSpec:
    """``network`` on the smallest images it takes, with few trees where it is made of trees."""
    side = smallest_image(network) if network != "fcnet" else 8
    shape, options = (channels, side, side), FEW_TREES.get(network, ())
    return NetworkSpec(network, shape, CLASSES, hidden=16, options=options)


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
    return draw_weights(backend.fresh(spec, seed=0), generator(0, "testing", label))


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
    members = np.sort(np.asarray(rows))
    batches = draw_batches(
        np.asarray(rows), epochs, batch_size, generator(0, "testing", "order", label)
    )
    start = State(example_weights(backend, spec, label))
    return TrainingJob(label, start, batches, np.full(len(batches), rate), rows=members)


def example_targets(rows: np.ndarray, classes: int = CLASSES) -> Targets:
    """A distribution for each of ``rows``, most of them far from certain; nobody may write it."""
    rng = generator(0, "testing", "targets")
    distributions = rng.dirichlet(np.ones(classes), len(rows)).astype(np.float32)
    distributions.setflags(write=False)
    return Targets(rows, distributions)


def example_mask(weights: Weights, label: str = "a") -> dict[str, np.ndarray]:
    """About half of every trained parameter of ``weights``, but for its last name, which is not
    said; different for every ``label``.
    """
    rng = generator(0, "testing", "mask", label)
    trained = sorted(name for name in weights if ".running_" not in name)
    return {name: rng.random(weights[name].shape) < 0.5 for name in trained[:-1]}


def example_model(
    backend: Backend, spec: NetworkSpec, records: Records, label: str = "a"
) -> Weights:
    """A model that answers, different for every ``label``: fresh where that says something."""
    if Capability.WEIGHTS in backend.capabilities:
        return example_weights(backend, spec, label)
    first = sum(label.encode()) % 7
    job = example_job(backend, spec, label, range(first, len(records)))
    return train(backend, spec, [job], records)[label].weights


def part_of(job: TrainingJob, first: int, last: int, start: State) -> TrainingJob:
    """The steps of ``job`` from ``first`` to ``last``, from the state ``start``."""
    return replace(
        job,
        start=start,
        batches=job.batches[first:last],
        learning_rates=job.learning_rates[first:last],
        shares=None if job.shares is None else job.shares[first:last],
        keep=(),
    )


def train(
    backend: Backend,
    spec: NetworkSpec,
    jobs: Sequence[TrainingJob],
    records: Records,
    optimizer: Optimizer = SGD,
) -> dict[str, State]:
    """Train ``jobs`` to the end: name -> last state."""
    kept = train_keeping(backend, spec, jobs, records, optimizer)
    return {name: states[-1].state for name, states in kept.items()}


def train_keeping(
    backend: Backend,
    spec: NetworkSpec,
    jobs: Sequence[TrainingJob],
    records: Records,
    optimizer: Optimizer = SGD,
) -> dict[str, list[KeptState]]:
    """Train ``jobs``: name -> every state given, in the order it came."""
    kept: dict[str, list[KeptState]] = {}
    for state in backend.train(spec, optimizer, jobs, records, lambda steps: None):
        kept.setdefault(state.name, []).append(state)
    return kept


def ask(
    backend: Backend, spec: NetworkSpec, models: Sequence[Weights], records: Records
) -> np.ndarray:
    """What each model says of all ``records``."""
    rows = np.tile(np.arange(len(records)), (len(models), 1))
    return backend.logits(spec, models, records, rows)


def loss_slopes(
    backend: Backend, spec: NetworkSpec, start: Weights, records: Records, name: str
) -> np.ndarray:
    """Central differences of each record's loss by each number of ``name``: (size, records)."""
    moved = []
    for place in range(start[name].size):
        for change in (-0.004, 0.004):
            array = start[name].copy()
            array.flat[place] += np.float32(change)
            moved.append({**start, name: array})
    logits = ask(backend, spec, moved, records).astype(np.float64)
    losses = -log_softmax(logits, axis=2)[:, np.arange(len(records)), records.labels]
    slopes: np.ndarray = (losses[1::2] - losses[::2]) / 0.008
    return slopes


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


@needs(Capability.WEIGHTS)
def check_fresh_models_hold_what_is_documented(backend: Backend) -> None:
    """Names, shapes, types and normalisation of every network are those other backends use."""
    for network in backend.networks:
        for channels in (1, 3):
            spec = example_spec(network, channels)
            expected = blank_weights(spec)
            found = backend.fresh(spec, seed=1)
            assert found.keys() == expected.keys(), f"{network}: {found.keys() ^ expected.keys()}"
            for name, array in expected.items():
                assert found[name].shape == array.shape, f"{network}: '{name}' {found[name].shape}"
                assert found[name].dtype == array.dtype, f"{network}: '{name}' {found[name].dtype}"
                if "bn" in name:
                    assert np.array_equal(found[name], array), f"{network}: '{name}' is not fresh"


def check_every_network_takes_one_and_three_channels(backend: Backend) -> None:
    """Logits have the shape and type asked for, at 28 and 32 pixels and at the smallest.

    At 28 alone where models must be fitted to be asked.
    """
    fits = Capability.WEIGHTS not in backend.capabilities
    for network in backend.networks:
        for channels in (1, 3):
            sides = {28} if fits else {smallest_image(network), 28, 32} - {1}
            for side in sorted(sides):
                spec = NetworkSpec(network, (channels, side, side), CLASSES)
                records = example_records(spec)
                some = records.take(np.arange(3))
                logits = ask(backend, spec, [example_model(backend, spec, records)], some)
                assert logits.shape == (1, 3, CLASSES), f"{spec}: logits {logits.shape}"
                assert logits.dtype == np.float32, f"{spec}: logits are {logits.dtype}"
                assert np.isfinite(logits).all(), f"{spec}: logits are not finite"


@needs(Capability.WEIGHTS, network="fcnet")
def check_tabular_records_pass_fcnet(backend: Backend) -> None:
    """FCNet takes vectors, as an attack model does, and computes what NumPy computes."""
    spec = NetworkSpec("fcnet", (5,), classes=2, hidden=7)
    features = generator(0, "testing", "tabular").normal(size=(6, 5)).astype(np.float32)
    weights = example_weights(backend, spec)
    records = Records(features, np.zeros(6, np.int64))
    hidden = np.maximum(features @ weights["fc1.weight"].T + weights["fc1.bias"], 0)
    expected = hidden @ weights["fc2.weight"].T + weights["fc2.bias"]
    logits = ask(backend, spec, [weights], records)[0]
    assert np.allclose(logits, expected, atol=1e-5), "fcnet is not what NumPy computes"


def check_training_learns(backend: Backend) -> None:
    """The loss on members falls below that of guessing; the weights given are left as they were.

    LeNet5's sigmoids learn nothing in so few steps.
    """
    for network in backend.networks:
        if network == "lenet5":
            continue
        spec = example_spec(network)
        records = example_records(spec, 96)
        job = example_job(backend, spec, rows=range(96), epochs=10)
        given = {name: array.copy() for name, array in job.start.weights.items()}
        model = train(backend, spec, [job], records)["a"]
        before = float(np.log(CLASSES))
        if Capability.WEIGHTS in backend.capabilities:
            before = min(before, _loss(backend, spec, job.start.weights, records))
        after = _loss(backend, spec, model.weights, records)
        assert after < before, f"{network}: the loss went from {before:.3f} to {after:.3f}"
        assert given.keys() == job.start.weights.keys(), "train() changed the names given"
        for name, array in given.items():
            assert np.array_equal(array, job.start.weights[name]), f"train() changed given '{name}'"
            assert model.weights[name].dtype == np.float32, f"'{name}' is not float32"


@needs(Capability.STEPS, Capability.WEIGHTS, network="fcnet")
def check_training_is_what_numpy_computes(backend: Backend) -> None:
    """Twelve steps of FCNet against the chain rule in float64: both rules, decay, rates, shares,
    targets and masks.

    Shares are of both signs, and one record weighs nothing. Half of the records have targets.
    """
    spec = NetworkSpec("fcnet", (5,), classes=3, hidden=7)
    rng = generator(0, "testing", "step")
    records = Records(
        rng.normal(size=(24, 5)).astype(np.float32), np.arange(24, dtype=np.int64) % 3
    )
    batches = rng.integers(0, 24, (12, 4))
    batches[::3, 3] = NO_RECORD
    shares = rng.normal(size=(12, 4)).astype(np.float32)
    shares[batches == NO_RECORD] = 0
    shares[1, 0] = 0
    rates = rng.uniform(0.005, 0.02, 12)
    targets = example_targets(np.arange(1, 24, 2), classes=3)
    start = State(example_weights(backend, spec))
    for optimizer in (SGD, Optimizer("sgd", 0.5, 0.05), Optimizer("adam", weight_decay=0.05)):
        for given, aimed, mask in (
            (None, None, None),
            (shares, None, None),
            (None, targets, None),
            (shares, targets, None),
            (None, None, example_mask(start.weights)),
            (shares, targets, example_mask(start.weights)),
        ):
            job = TrainingJob("a", start, batches, rates, given, aimed, mask)
            found = train(backend, spec, [job], records, optimizer)["a"]
            expected = fcnet_in_float64(optimizer, job, records)
            assert found.steps == 12, f"{optimizer}: {found.steps} steps are told of 12"
            for name, array in expected.weights.items():
                gap = np.abs(found.weights[name] - array).max()
                assert gap <= 2e-5, f"{optimizer}: '{name}' is off by {gap:.2g} after 12 steps"
            assert found.moments.keys() == expected.moments.keys(), f"{optimizer}: moments"
            for name, array in expected.moments.items():
                gap = np.abs(found.moments[name] - array).max()
                assert gap <= 2e-4, f"{optimizer}: '{name}' is off by {gap:.2g} after 12 steps"


def fcnet_in_float64(optimizer: Optimizer, job: TrainingJob, records: Records) -> State:
    """What ``job`` gives on FCNet, by the chain rule written out in NumPy."""
    weights = {name: array.astype(np.float64) for name, array in job.start.weights.items()}
    adam = optimizer.name == "adam"
    first = {name: np.zeros_like(array) for name, array in weights.items()}
    second = {name: np.zeros_like(array) for name, array in weights.items()}
    for step, (batch, rate, share) in enumerate(
        zip(job.batches, job.learning_rates, job_shares(job)), start=1
    ):
        real = batch != NO_RECORD
        rows, share = batch[real], share[real].astype(np.float64)[:, None]
        inputs = records.features[rows].astype(np.float64)
        hidden = np.maximum(inputs @ weights["fc1.weight"].T + weights["fc1.bias"], 0)
        logits = hidden @ weights["fc2.weight"].T + weights["fc2.bias"]
        truth = np.eye(logits.shape[1])[records.labels[rows]]
        if job.targets is not None:
            aimed = dict(zip(job.targets.rows.tolist(), job.targets.distributions))
            for place, row in enumerate(rows.tolist()):
                truth[place] = aimed.get(row, truth[place])
        error = (np.exp(log_softmax(logits, axis=1)) - truth) * share
        back = (error @ weights["fc2.weight"]) * (hidden > 0)
        gradients = {
            "fc2.weight": error.T @ hidden,
            "fc2.bias": error.sum(0),
            "fc1.weight": back.T @ inputs,
            "fc1.bias": back.sum(0),
        }
        for name, gradient in gradients.items():
            gradient = gradient + optimizer.weight_decay * weights[name]
            gradient = gradient * (job.mask or {}).get(name, 1)
            if adam:
                first[name] = 0.9 * first[name] + 0.1 * gradient
                second[name] = 0.999 * second[name] + 0.001 * gradient**2
                size = np.sqrt(second[name] / (1 - 0.999**step)) + 1e-8
                weights[name] = weights[name] - rate * first[name] / (1 - 0.9**step) / size
            else:
                first[name] = optimizer.momentum * first[name] + gradient
                weights[name] = weights[name] - rate * first[name]
    moments = {f"first/{name}": array for name, array in first.items()}
    if adam:
        moments.update({f"second/{name}": array for name, array in second.items()})
    return State(weights, moments, len(job.batches))


@needs(Capability.STEPS)
def check_training_goes_on_from_a_kept_state(backend: Backend) -> None:
    """In one go or in three, kept on the way or at an end: the same bits, moments included."""
    for network in backend.networks:
        # Adam's second moment is kept alike whatever the layers are.
        adam = [Optimizer("adam", weight_decay=0.01)] if network == "fcnet" else []
        for optimizer in (SGD, *adam):
            spec = example_spec(network)
            records = example_records(spec)
            jobs = [
                replace(example_job(backend, spec, "a", range(0, 30), epochs=3), keep=(4, 8)),
                replace(example_job(backend, spec, "b", range(9, 45), epochs=2), keep=(3,)),
            ]
            kept = train_keeping(backend, spec, jobs, records, optimizer)
            steps = {name: [state.step for state in states] for name, states in kept.items()}
            assert steps == {"a": [4, 8, 12], "b": [3, 10]}, f"{network}: states after {steps}"
            for job in jobs:
                state, done = job.start, 0
                for reached in kept[job.name]:
                    part = part_of(job, done, reached.step, state)
                    done = reached.step
                    state = train(backend, spec, [part], records, optimizer)[job.name]
                    where = f"{network}, {optimizer.name}: '{job.name}' after {done} steps"
                    assert state.steps == reached.state.steps == done, f"{where}: count of steps"
                    _assert_same_bits(reached.state.weights, state.weights, where)
                    _assert_same_bits(reached.state.moments, state.moments, where)


def check_a_model_depends_on_its_job_alone(backend: Backend) -> None:
    """Bit for bit: beside others, in another order, or by itself."""
    for network in backend.networks:
        for optimizer in (SGD, Optimizer("adam")) if network == "fcnet" else (SGD,):
            spec = example_spec(network)
            records = example_records(spec)
            jobs = [
                example_job(backend, spec, str(number), range(number, 32 + number), rate=0.002)
                for number in range(5)
            ]
            jobs += [
                example_job(backend, spec, "short", range(16, 43), rate=0.002),
                example_job(backend, spec, "long", range(5, 30), epochs=3, rate=0.001),
            ]
            together = train(backend, spec, jobs, records, optimizer)
            assert sorted(together) == sorted(job.name for job in jobs), f"{network}: names"
            some = train(backend, spec, [jobs[6], jobs[0], jobs[3]], records, optimizer)
            alone = train(backend, spec, [jobs[5]], records, optimizer)
            for name, state in {**some, **alone}.items():
                where = f"{network}, {optimizer.name}: '{name}' in other company"
                _assert_same_bits(together[name].weights, state.weights, where)


@needs(Capability.STEPS)
def check_targets_of_one_class_are_labels(backend: Backend) -> None:
    """Such a target teaches what the label does; whether others of a call have any moves no bit."""
    for network in backend.networks:
        spec = example_spec(network)
        records = example_records(spec)
        plain = example_job(backend, spec, epochs=1)
        rows = np.arange(len(records))
        certain = Targets(rows, np.eye(CLASSES, dtype=np.float32)[records.labels])
        sure = replace(plain, name="sure", targets=certain)
        half = replace(plain, name="half", targets=example_targets(rows[::2]))
        found = train(backend, spec, [plain, sure, half], records)
        _assert_close(found["a"], found["sure"], f"{network}: one class as target")
        moved = {
            name: np.abs(found["a"].weights[name] - array)
            for name, array in found["half"].weights.items()
        }
        assert max(gap.max() for gap in moved.values()) > 1e-4, f"{network}: targets taught nothing"
        # In pairs again: another number of models would have some backends compile.
        other = replace(plain, name="other", targets=example_targets(rows))
        pairs = ((plain, replace(plain, name="twin")), (other, half))
        for name, pair in zip(("a", "half"), pairs):
            again = train(backend, spec, pair, records)[name]
            where = f"{network}: '{name}' beside jobs of other targets"
            _assert_same_bits(found[name].weights, again.weights, where)


@needs(lacking=Capability.STEPS)
def check_targets_are_refused(backend: Backend) -> None:
    """Who learns labels alone says so, naming the model."""
    spec = example_spec(backend.networks[0])
    records = example_records(spec)
    job = replace(example_job(backend, spec, "taught"), targets=example_targets(np.arange(48)))
    _assert_raises(BackendError, "taught", lambda: train(backend, spec, [job], records))


@needs(Capability.STEPS, Capability.WEIGHTS)
def check_masks_hold_what_they_leave_out(backend: Backend) -> None:
    """What is masked out keeps its bits and moments of 0, and what is not moves; the first step
    moves that as if there were no mask, a mask of True never tells, and running statistics follow
    the data. Jobs without masks have the same bits beside such jobs as by themselves.
    """
    for network in backend.networks:
        for optimizer in _masked_rules(network):
            spec = example_spec(network)
            records = example_records(spec)
            plain = replace(example_job(backend, spec, epochs=1), keep=(1,))
            start = plain.start.weights
            everything = {
                name: np.ones(array.shape, np.bool_)
                for name, array in start.items()
                if ".running_" not in name
            }
            masks = {"half": example_mask(start), "other": example_mask(start, "b")}
            masks["whole"] = everything
            jobs = [replace(plain, name=name, mask=mask) for name, mask in masks.items()]
            # As many of either kind: another number of models would have some backends compile.
            twins = [replace(plain, name=name) for name in ("twin", "third")]
            found = train_keeping(backend, spec, [plain, *jobs, *twins], records, optimizer)
            alone = train_keeping(backend, spec, [*twins, plain], records, optimizer)
            where = f"{network}, {optimizer.name}:"
            for one, other in (("a", "whole"), ("a", "twin")):
                _assert_same_states(found[one], found[other], f"{where} '{one}' and '{other}'")
            for name in ("a", "twin", "third"):
                _assert_same_states(found[name], alone[name], f"{where} '{name}' beside masks")
            for name in ("half", "other"):
                first, last = (kept.state for kept in found[name])
                whole = found["a"][0].state
                for key, array in start.items():
                    free = masks[name].get(key, np.ones(array.shape, np.bool_))
                    for state in (first, last):
                        moved = state.weights[key]
                        _assert_same_numbers(moved, array, ~free, f"{where} masked-out '{key}'")
                    _assert_same_numbers(
                        first.weights[key], whole.weights[key], free, f"{where} first of '{key}'"
                    )
                    assert (last.weights[key] != array)[free].any(), f"{where} '{key}' stood still"
                for key, array in last.moments.items():
                    free = masks[name].get(key.partition("/")[2], np.ones(array.shape, np.bool_))
                    assert not array[~free].any(), f"{where} masked-out '{key}' is not 0"


@needs(Capability.STEPS, Capability.WEIGHTS)
def check_masked_training_goes_on_from_a_kept_state(backend: Backend) -> None:
    """Masked in one go or in two, beside other masks or none: the same bits, moments included."""
    for network in backend.networks:
        for optimizer in _masked_rules(network):
            spec = example_spec(network)
            records = example_records(spec)
            jobs = []
            for label, mask in (("a", "b"), ("b", "c"), ("c", "")):
                job = example_job(backend, spec, label, epochs=1)
                some = example_mask(job.start.weights, mask) if mask else None
                jobs.append(replace(job, keep=(2,), mask=some))
            kept = train_keeping(backend, spec, jobs, records, optimizer)
            rest = [part_of(job, 2, 4, kept[job.name][0].state) for job in jobs[::-1]]
            again = train_keeping(backend, spec, rest, records, optimizer)
            for name, states in kept.items():
                where = f"{network}, {optimizer.name}: '{name}' going on"
                _assert_same_states(states[1:], again[name], where)


@needs(lacking=Capability.STEPS)
def check_masks_are_refused(backend: Backend) -> None:
    """Who fits models whole says so, naming the model."""
    spec = example_spec(backend.networks[0])
    records = example_records(spec)
    job = replace(example_job(backend, spec, "partly"), mask={})
    _assert_raises(BackendError, "partly", lambda: train(backend, spec, [job], records))


@needs(Capability.STEPS, Capability.WEIGHTS, network="fcnet")
def check_masks_that_do_not_fit_are_refused(backend: Backend) -> None:
    """An unknown parameter, a wrong shape and another type than bool are named."""
    spec = example_spec("fcnet")
    records = example_records(spec)
    job = example_job(backend, spec, epochs=1)
    mask = example_mask(job.start.weights)
    for name, broken in (
        ("fc9.weight", np.ones(3, np.bool_)),
        ("fc1.weight", mask["fc1.weight"].T),
        ("fc1.bias", mask["fc1.bias"].astype(np.float32)),
    ):
        wrong = replace(job, mask={**mask, name: broken})
        _assert_raises(
            NetworkError,
            name,
            lambda wrong=wrong: train(backend, spec, [job, wrong], records),  # type: ignore[misc]
        )


@needs(lacking=Capability.STEPS)
def check_a_fit_depends_on_its_rows_alone(backend: Backend) -> None:
    """Other batches, rates and epochs, and another rule: the same bits, given once, at the end."""
    for network in backend.networks:
        spec = example_spec(network)
        records = example_records(spec)
        job = example_job(backend, spec)
        other = replace(
            example_job(backend, spec, epochs=5, batch_size=4, rate=0.3), keep=(2, 3), shares=None
        )
        first = train(backend, spec, [job], records)["a"].weights
        (second,) = train_keeping(backend, spec, [other], records, Optimizer("adam"))["a"]
        assert second.step == len(other.batches), f"{network}: a state after {second.step} steps"
        _assert_same_bits(first, second.state.weights, f"{network}: trained otherwise")


@needs(Capability.STEPS, network="fcnet")
def check_learning_rate_is_taken_step_by_step(backend: Backend) -> None:
    """A step at rate 0 changes nothing; without momentum the next one still counts in full."""
    spec = example_spec("fcnet")
    records = example_records(spec)
    job = example_job(backend, spec, epochs=1)
    plain = Optimizer("sgd", momentum=0.0)
    still = replace(job, learning_rates=np.zeros(len(job.batches)))
    weights = train(backend, spec, [still], records, plain)["a"].weights
    for name in weights:
        assert np.array_equal(weights[name], job.start.weights[name]), f"rate 0 moved '{name}'"
    rates = np.zeros(len(job.batches))
    rates[-1] = 0.1
    late = train(backend, spec, [replace(job, learning_rates=rates)], records, plain)["a"]
    last = replace(job, batches=job.batches[-1:], learning_rates=rates[-1:])
    alone = train(backend, spec, [last], records, plain)["a"]
    _assert_close(late, alone, "rates are not taken step by step")


@needs(Capability.STEPS)
def check_padding_is_no_record(backend: Backend) -> None:
    """A short batch gives what the same batch without padding gives, normalisation included."""
    for network in backend.networks:
        spec = example_spec(network)
        records = example_records(spec)
        job = example_job(backend, spec, epochs=1)
        padded = np.full((len(job.batches), 11), NO_RECORD, np.int64)
        padded[:, :8] = job.batches
        plain = train(backend, spec, [job], records)["a"]
        filled = train(backend, spec, [replace(job, batches=padded)], records)["a"]
        _assert_close(plain, filled, f"{network}: padding changed the model")


def check_training_repeats_itself(backend: Backend) -> None:
    """The same job gives the same bits, so that a run's results are the same bytes."""
    for network in backend.networks:
        spec = example_spec(network)
        records = example_records(spec)
        job = example_job(backend, spec)
        first, second = (train(backend, spec, [job], records)["a"].weights for _ in range(2))
        _assert_same_bits(first, second, network)


def check_queries_are_in_evaluation_mode(backend: Backend) -> None:
    """A record's logits do not depend on its company, and asking changes nothing."""
    for network in backend.networks:
        spec = example_spec(network)
        records = example_records(spec)
        model = train(backend, spec, [example_job(backend, spec)], records)["a"].weights
        whole = ask(backend, spec, [model], records)[0]
        some = np.array([[3, 1, 7]])
        part = backend.logits(spec, [model], records, some)[0]
        assert np.allclose(whole[some[0]], part, atol=1e-5), f"{network}: its company matters"
        again = ask(backend, spec, [model], records)[0]
        assert np.array_equal(whole, again), f"{network}: asking changed the model"


@needs(Capability.STEPS, Capability.WEIGHTS, network="resnet18")
def check_running_statistics_move(backend: Backend) -> None:
    """Batch normalisation trains in training mode: its running statistics follow the data."""
    spec = example_spec("resnet18")
    model = train(backend, spec, [example_job(backend, spec)], example_records(spec))["a"].weights
    assert np.abs(model["bn1.running_mean"]).max() > 0, "running means stayed at 0"
    assert np.abs(model["bn1.running_var"] - 1).max() > 0, "running variances stayed at 1"


def check_many_models_are_queried_at_once(backend: Backend) -> None:
    """Each model answers for itself about its own rows, with the same bits whoever is beside."""
    for network in backend.networks:
        spec = example_spec(network)
        records = example_records(spec, 40)
        models = [example_model(backend, spec, records, label) for label in "abcde"]
        rng = generator(0, "testing", "asked")
        rows = np.stack([rng.permutation(40)[:33] for _ in models])
        rows[1, 20:] = NO_RECORD
        together = backend.logits(spec, models, records, rows)
        assert together.shape == (5, 33, CLASSES), f"{network}: logits {together.shape}"
        assert not together[1, 20:].any(), f"{network}: logits where nothing was asked"
        for place in (0, 1, 4):
            alone = backend.logits(spec, [models[place]], records, rows[place : place + 1])[0]
            assert np.array_equal(together[place], alone), f"{network}: company matters"
            real = rows[place] != NO_RECORD
            whole = ask(backend, spec, [models[place]], records)[0]
            assert np.allclose(alone[real], whole[rows[place][real]], atol=1e-5), (
                f"{network}: models or rows are mixed up"
            )


@needs(Capability.GRADIENTS, Capability.STEPS, Capability.WEIGHTS)
def check_gradient_norms_are_those_of_training(backend: Backend) -> None:
    """A step of rate 1 on one record moves each parameter by its gradient.

    Normalisation trains otherwise than it answers:
    :func:`check_gradients_are_in_evaluation_mode` is about it.
    """
    for network in backend.networks:
        spec = example_spec(network)
        records = example_records(spec)
        start = example_weights(backend, spec)
        if normalises(start):
            continue
        asked = np.array([[5, 2, 19]])
        found = backend.gradient_norms(spec, [start], records, asked)
        assert found.parameters == tuple(sorted(start)), f"{network}: {found.parameters}"
        assert found.norms.dtype == np.float64, f"{network}: norms of {found.norms.dtype}"
        jobs = [
            TrainingJob(str(row), State(start), np.array([[row]]), np.ones(1)) for row in asked[0]
        ]
        moved = train(backend, spec, jobs, records, Optimizer("sgd", momentum=0.0))
        for norms, row in zip(found.norms[0], asked[0]):
            after = moved[str(row)].weights
            for norm, name in zip(norms, found.parameters):
                expected = np.linalg.norm(start[name].astype(np.float64) - after[name])
                assert np.isclose(norm, expected, rtol=1e-3, atol=1e-6), (
                    f"{network}: '{name}' has norm {norm:.6g}, training moves it by {expected:.6g}"
                )


@needs(Capability.GRADIENTS, Capability.WEIGHTS, network="resnet18")
def check_gradients_are_in_evaluation_mode(backend: Backend) -> None:
    """Running statistics count: losses of models that are moved a little say the same."""
    spec = example_spec("resnet18")
    start = {name: np.array(array) for name, array in example_weights(backend, spec).items()}
    records = example_records(spec, 3)
    rng = generator(0, "testing", "statistics")
    for name, array in start.items():
        if name.endswith(("running_mean", "running_var")):
            array += rng.uniform(0, 0.5, array.shape).astype(np.float32)
    found = backend.gradient_norms(spec, [start], records, np.arange(3)[None])
    assert not any("running" in name for name in found.parameters), "statistics have no gradient"
    # What comes back to it has passed every other normalisation.
    norms = found.norms[0, :, found.parameters.index("bn1.bias")]
    expected = np.linalg.norm(loss_slopes(backend, spec, start, records, "bn1.bias"), axis=0)
    assert np.allclose(norms, expected, rtol=0.03, atol=1e-3), (
        f"'bn1.bias' has norms {norms}, losses say {expected}"
    )


@needs(Capability.GRADIENTS, Capability.WEIGHTS)
def check_gradient_norms_keep_to_their_models_and_rows(backend: Backend) -> None:
    """The same bits whoever is beside a model, its own rows, and zeros where none is asked."""
    for network in backend.networks:
        spec = example_spec(network)
        records = example_records(spec, 40)
        models = [example_weights(backend, spec, label) for label in "abc"]
        rng = generator(0, "testing", "asked")
        rows = np.stack([rng.permutation(40)[:35] for _ in models])
        rows[1, 9:] = NO_RECORD
        together = backend.gradient_norms(spec, models, records, rows).norms
        assert together.shape[:2] == (3, 35), f"{network}: norms {together.shape}"
        assert np.isfinite(together).all(), f"{network}: norms that are no numbers"
        assert not together[1, 9:].any(), f"{network}: norms where nothing was asked"
        again = backend.gradient_norms(spec, models[::-1], records, rows[::-1]).norms
        assert np.array_equal(together, again[::-1]), f"{network}: another order of models"
        for place in (1, 2):
            one = slice(place, place + 1)
            alone = backend.gradient_norms(spec, models[one], records, rows[one]).norms[0]
            assert np.array_equal(together[place], alone), f"{network}: company matters"
        whole = backend.gradient_norms(spec, models[1:2], records, np.arange(40)[None]).norms[0]
        assert np.allclose(together[1, :9], whole[rows[1, :9]], rtol=1e-4, atol=1e-9), (
            f"{network}: rows are mixed up, or records beside one matter"
        )
        none = backend.gradient_norms(spec, models, records, rows[:, :0]).norms
        assert none.shape == (3, 0, together.shape[2]), f"{network}: {none.shape} of no rows"


@needs(Capability.GRADIENTS, Capability.WEIGHTS, network="fcnet")
def check_gradients_of_well_fitted_records_keep_their_digits(backend: Backend) -> None:
    """Where the confidence rounds to 1, and where what it lacks is below any float32."""
    spec = example_spec("fcnet")
    records = example_records(spec)
    weights = {name: np.array(array) for name, array in example_weights(backend, spec).items()}
    rows = np.flatnonzero(records.labels == 1)[None]
    for margin in (20.0, 150.0):
        weights["fc2.bias"] = np.float32(margin) * np.eye(CLASSES, dtype=np.float32)[1]
        logits = backend.logits(spec, [weights], records, rows)[0].astype(np.float64)
        found = backend.gradient_norms(spec, [weights], records, rows)
        others = np.exp(logits[:, [0, 2, 3]] - logits[:, 1:2])
        # The bias's gradient is the error of the logits itself.
        expected = np.hypot(np.linalg.norm(others, axis=1), others.sum(axis=1))
        norms = found.norms[0, :, found.parameters.index("fc2.bias")]
        assert np.allclose(norms, expected, rtol=1e-4, atol=0), (
            f"norms {norms} at a margin of {margin}, not {expected}"
        )


def check_steps_are_reported(backend: Backend) -> None:
    """Progress adds up to the steps of all jobs."""
    spec = example_spec(backend.networks[0])
    jobs = [
        example_job(backend, spec, "a", epochs=40),
        example_job(backend, spec, "b", range(20), epochs=3),
    ]
    told: list[int] = []
    for _ in backend.train(spec, SGD, jobs, example_records(spec), told.append):
        pass
    total = sum(len(job.batches) for job in jobs)
    assert sum(told) == total, f"{sum(told)} steps were reported of {total}"


@needs(Capability.STEPS, network="fcnet")
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
    for name in (*NETWORKS, *ESTIMATORS):
        if name not in backend.networks:
            cases[name] = NetworkSpec(name, (1, 28, 28), CLASSES)
    for name, spec in cases.items():
        _assert_raises(NetworkError, name, lambda spec=spec: backend.fresh(spec, 0))  # type: ignore[misc]


@needs(Capability.WEIGHTS, network="fcnet")
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
            lambda broken=broken: ask(backend, spec, [broken], records),  # type: ignore[misc]
        )


CHECKS: list[Check] = [
    check
    for name, check in sorted(globals().items())
    if name.startswith("check_") and callable(check)
]
"""All checks, by name; :func:`checks_for` says which of them apply."""


def _loss(backend: Backend, spec: NetworkSpec, weights: Weights, records: Records) -> float:
    logits = ask(backend, spec, [weights], records)[0].astype(np.float64)
    chosen = log_softmax(logits, axis=1)[np.arange(len(records)), records.labels]
    return float(-chosen.mean())


def _masked_rules(network: str) -> list[Optimizer]:
    # Decay, which a mask holds too; Adam's second moment is masked alike whatever the layers are.
    rules = [Optimizer("sgd", 0.9, 0.01)]
    return [*rules, Optimizer("adam", weight_decay=0.01)] if network == "fcnet" else rules


def _assert_close(first: State, second: State, complaint: str) -> None:
    for name in first.weights:
        gap = float(np.abs(first.weights[name] - second.weights[name]).max())
        assert gap <= 1e-4, f"{complaint}: '{name}' differs by {gap:.2g}"


def _assert_same_bits(
    first: Mapping[str, np.ndarray], second: Mapping[str, np.ndarray], complaint: str
) -> None:
    assert first.keys() == second.keys(), f"{complaint}: {first.keys() ^ second.keys()}"
    for name in first:
        if not np.array_equal(first[name], second[name]):
            gap = np.abs(first[name].astype(np.float64) - second[name]).max()
            raise AssertionError(f"{complaint}: '{name}' differs by {gap:.2g}")


def _assert_same_states(
    first: Sequence[KeptState], second: Sequence[KeptState], complaint: str
) -> None:
    for one, other in zip(first, second):
        _assert_same_bits(one.state.weights, other.state.weights, complaint)
        _assert_same_bits(one.state.moments, other.state.moments, complaint)


def _assert_same_numbers(
    first: np.ndarray, second: np.ndarray, where: np.ndarray, complaint: str
) -> None:
    changed = np.count_nonzero((first != second)[where])
    assert not changed, f"{complaint}: {changed} of {np.count_nonzero(where)} have other bits"


def _assert_raises(kind: type[MiaDualError], naming: str, act: Callable[[], object]) -> None:
    try:
        act()
    except kind as error:
        assert naming in str(error), f"the error does not name '{naming}': {error}"
        assert "\n" not in str(error), f"the error is of several lines: {error}"
    else:
        raise AssertionError(f"'{naming}' should have raised {kind.__name__}")
