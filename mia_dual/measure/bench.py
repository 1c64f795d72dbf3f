"""Times training, each measurement in a process of its own so that none disturbs another."""

from __future__ import annotations

import multiprocessing
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Callable, Optional

import joblib
import numpy as np

from mia_dual.execution import Execution, Together
from mia_dual.flops import training_flops
from mia_dual.interface import Backend, NetworkSpec, Optimizer, Records, State, TrainingJob
from mia_dual.networks import blank_weights
from mia_dual.registry import load_backend
from mia_dual.seeds import generator
from mia_dual.training.batches import draw_batches
from mia_dual.training.weights import draw_weights

CLASSES = 10
RECORDS = 4096
MATRIX = 2048
WARM_STEPS = 3
MODES: tuple[Together, ...] = ("never", "always")


@dataclass(frozen=True)
class Case:
    """``models`` models of a network, on random images of ``channels`` and side ``image``."""

    network: str
    batch_size: int
    models: int
    image: int
    channels: int = 1

    @property
    def spec(self) -> NetworkSpec:
        """The network, and what it sees."""
        return NetworkSpec(self.network, (self.channels, self.image, self.image), CLASSES)


@dataclass(frozen=True)
class Speed:
    """One backend on one case; seconds are those of a model's step.

    ``alone`` and ``together``: jobs trained one by one, and with stacked parameters wherever the
    backend can. ``limit``: the counted operations of a step at ``peak`` operations a second, what
    :func:`matmul_flops` said beside it. ``first_call``: seconds of the first call with all it must
    load and compile.
    """

    case: Case
    backend: str
    alone: float
    together: float
    limit: float
    peak: float
    first_call: float

    @property
    def best(self) -> float:
        """The faster of both ways, which a backend should choose by itself."""
        return min(self.alone, self.together)

    @property
    def records_a_second(self) -> float:
        """Records trained on in a second, over all models, the better way."""
        return self.case.batch_size / self.best


def matmul_flops() -> float:
    """Operations a second of a large float32 product on all cores: what arithmetic can give."""
    return in_own_process(_measure_matmul)


def compare(
    backends: Sequence[str],
    cases: Sequence[Case],
    *,
    device: str,
    seconds: float,
    rounds: int,
    workers: Optional[int],
) -> Iterator[Speed]:
    """Measure each case on each backend, both ways in turn; the fastest of ``rounds`` counts.

    ``seconds`` is how long a measurement lasts.
    """
    for case in cases:
        found: dict[tuple[str, Together], list[Timing]] = {}
        peak = 0.0
        for _ in range(rounds):
            peak = max(peak, matmul_flops())
            for name in backends:
                for mode in MODES:
                    timing = in_own_process(
                        measure_training,
                        name,
                        device,
                        case,
                        Execution(mode, workers=workers),
                        seconds,
                    )
                    found.setdefault((name, mode), []).append(timing)
        for name in backends:
            alone, together = (
                min(found[name, mode], key=lambda timing: timing.step) for mode in MODES
            )
            yield Speed(
                case,
                name,
                alone.step,
                together.step,
                limit=together.flops / peak,
                peak=peak,
                first_call=max(timing.first for timing in found[name, "always"]),
            )


@dataclass(frozen=True)
class Timing:
    """``step``: seconds of a model's step, of ``flops`` counted operations; ``first``: those of
    loading the backend and of its first call.
    """

    step: float
    first: float
    flops: int


def in_own_process(task: Callable[..., Any], *arguments: Any) -> Any:
    """What ``task`` gives in a process of its own, which ends with this one, killed even."""
    # The process ends before the next one starts: an idle framework's threads may spin.
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn, initializer=_end_with_parent) as worker:
        return worker.submit(task, *arguments).result()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def random_records(spec: NetworkSpec, rng: np.random.Generator) -> Records:
    """Records of noise, labelled at random."""
    return Records(
        rng.integers(0, 256, (RECORDS, *spec.input_shape), np.uint8),
        rng.integers(0, CLASSES, RECORDS),
        scale=1 / 127.5,
        shift=-1.0,
    )


def _measure_matmul() -> float:
    from scipy.linalg.blas import sgemm

    left, right = np.ones((2, MATRIX, MATRIX), np.float32)
    # Each has a library of its own, and an older one may take a new processor for a very old one.
    products = (partial(np.matmul, left, right), partial(sgemm, 1.0, left.T, right.T))
    fastest = float("inf")
    for _ in range(8):
        for product in products:
            started = time.perf_counter()
            product()
            fastest = min(fastest, time.perf_counter() - started)
    return 2 * MATRIX**3 / fastest


def measure_training(
    name: str, device: str, case: Case, execution: Execution, seconds: float
) -> Timing:
    """How long a model's step takes, in this process; ``seconds`` is how long to measure."""
    started = time.perf_counter()
    backend = on_all_cores(name, device, execution)
    spec = case.spec
    flops = case.batch_size * training_flops(spec, blank_weights(spec))
    _train(backend, spec, case, WARM_STEPS)
    first = time.perf_counter() - started
    # Long enough to count, short enough to wait for; a longer one follows from a shorter one.
    steps = WARM_STEPS
    while True:
        taken = _train(backend, spec, case, steps)
        if taken >= seconds / 2:
            return Timing(taken / steps / case.models, first, flops)
        steps = max(2 * steps, round(steps * seconds / max(taken, seconds / 20)))


def on_all_cores(name: str, device: str, execution: Execution) -> Backend:
    """The backend, which on a CPU takes all cores that it may, whatever there is to do: as it does
    by itself where that is worth starting processes.
    """
    backend = load_backend(name, device, execution)
    if execution.workers or backend.environment().get("device") != "cpu":
        return backend
    return load_backend(name, device, replace(execution, workers=joblib.cpu_count()))


def first_step(name: str, device: str, case: Case) -> None:
    """Load the backend, and train the models of ``case`` for a step."""
    _train(load_backend(name, device), case.spec, case, 1)


def _train(backend: Backend, spec: NetworkSpec, case: Case, steps: int) -> float:
    records = random_records(spec, generator(0, "bench"))
    jobs = bench_jobs(spec, case.models, case.batch_size, steps)
    started = time.perf_counter()
    for _ in backend.train(spec, Optimizer("sgd"), jobs, records, lambda done: None):
        pass
    return time.perf_counter() - started


def bench_jobs(spec: NetworkSpec, models: int, batch_size: int, steps: int) -> list[TrainingJob]:
    """Trainings of ``models`` models on records of :func:`random_records`."""
    rng = generator(0, "bench", "jobs")
    rates = np.full(steps, 1e-3)
    jobs = []
    for number in range(models):
        rows = rng.integers(0, RECORDS, steps * batch_size)
        jobs.append(
            TrainingJob(
                name=f"bench-{number}",
                start=State(draw_weights(blank_weights(spec), rng)),
                batches=draw_batches(rows, 1, batch_size, rng),
                learning_rates=rates,
            )
        )
    return jobs
