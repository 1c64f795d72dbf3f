"""Times training steps, each backend in a process of its own so that none disturbs another."""

from __future__ import annotations

import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np

from mia_dual.interface import Backend, NetworkSpec, Optimizer, Records, TrainingJob
from mia_dual.registry import load_backend
from mia_dual.seeds import generator
from mia_dual.training.batches import draw_batches
from mia_dual.training.weights import draw_weights

CLASSES = 10


@dataclass(frozen=True)
class Case:
    """A training job of ``steps`` steps on random one-channel images of side ``image``."""

    network: str
    batch_size: int
    steps: int
    image: int


@dataclass(frozen=True)
class Timing:
    """Seconds: of a step once running, and of the first with all it must load and compile."""

    step: float
    first: float


def compare(backends: Sequence[str], case: Case, rounds: int) -> dict[str, Timing]:
    """Measure ``case`` on each backend, in turn, ``rounds`` times; the fastest step counts."""
    found: dict[str, list[Timing]] = {name: [] for name in backends}
    for _ in range(rounds):
        for name in backends:
            found[name].append(_measure_alone(name, case))
    return {
        name: Timing(min(timing.step for timing in timings), timings[0].first)
        for name, timings in found.items()
    }


def _measure_alone(name: str, case: Case) -> Timing:
    # The process ends before the next one starts: an idle framework's threads may spin.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as worker:
        return worker.submit(_measure, name, case).result()


def _measure(name: str, case: Case) -> Timing:
    started = time.perf_counter()
    backend = load_backend(name)
    first = time.perf_counter() - started + _train(backend, case, 1)
    _train(backend, case, case.steps)
    return Timing(_train(backend, case, case.steps) / case.steps, first)


def _train(backend: Backend, case: Case, steps: int) -> float:
    rng = generator(0, "bench")
    shape = (1, case.image, case.image)
    records = Records(
        rng.integers(0, 256, (steps * case.batch_size, *shape), np.uint8),
        rng.integers(0, CLASSES, steps * case.batch_size),
        scale=1 / 127.5,
        shift=-1.0,
    )
    spec = NetworkSpec(case.network, shape, CLASSES)
    job = TrainingJob(
        name="bench",
        weights=draw_weights(backend.parameter_shapes(spec), rng),
        batches=draw_batches(np.arange(len(records)), 1, case.batch_size, rng),
        learning_rates=np.full(steps, 1e-3),
    )
    started = time.perf_counter()
    for _ in backend.train(spec, Optimizer("sgd"), [job], records, lambda done: None):
        pass
    return time.perf_counter() - started
