"""Times what engines add to the work that they have done: by task, and to start and end."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal

from mia_dual.engines.cluster import OWN
from mia_dual.engines.ray_backend import RayBackend
from mia_dual.execution import Execution
from mia_dual.interface import Backend, NetworkSpec, Optimizer
from mia_dual.measure.bench import CLASSES, bench_jobs, in_own_process, random_records
from mia_dual.measure.still import STILL
from mia_dual.progress import unheard
from mia_dual.registry import load_backend
from mia_dual.seeds import generator

EngineName = Literal["local", "ray"]

SMALL = NetworkSpec("fcnet", (64,), CLASSES)
REAL = NetworkSpec("convnet", (1, 28, 28), CLASSES)
BATCH = 16


@dataclass(frozen=True)
class EngineSpeed:
    """``engine`` with ``workers``, at work on ``tasks`` of ``models`` models in all.

    Seconds: ``start`` until it can be given work, ``first`` of a call that loads and compiles,
    ``work`` of a call after that, and ``end`` until what was started is gone.
    """

    engine: EngineName
    workers: int
    models: int
    tasks: int
    start: float
    first: float
    work: float
    end: float

    @property
    def task(self) -> float:
        """Seconds of work a task."""
        return self.work / self.tasks


def compare_empty(tasks: int, workers: Sequence[int]) -> Iterator[EngineSpeed]:
    """Tasks of a model each whose bodies are empty: what each engine hands out at all.

    ``local`` hands out nothing: it is the call itself.
    """
    yield in_own_process(_measure, "local", STILL, SMALL, 1, tasks, 1, True)
    for count in workers:
        yield in_own_process(_measure, "ray", STILL, SMALL, count, tasks, 1, True)


def compare_real(
    backend: str, models: int, steps: int, workers: Sequence[int]
) -> Iterator[EngineSpeed]:
    """``backend`` on so many ConvNets, as each engine cuts them; one local worker comes first."""
    for engine in ("local", "ray"):
        for count in workers:
            yield in_own_process(_measure, engine, backend, REAL, count, models, steps, False)


def _measure(
    engine: EngineName,
    name: str,
    spec: NetworkSpec,
    workers: int,
    models: int,
    steps: int,
    alone: bool,
) -> EngineSpeed:
    jobs = bench_jobs(spec, models, BATCH, steps)
    records = random_records(spec, generator(0, "bench"))
    execution = Execution(workers=workers)
    tasks = models
    with ExitStack() as closing:
        began = time.perf_counter()
        backend: Backend
        if engine == "ray":
            there = RayBackend(name, "cpu", execution, OWN, most=1 if alone else None)
            closing.callback(there.close)
            backend, tasks = there, len(there.cut(spec, jobs))
        else:
            backend, tasks = load_backend(name, "cpu", execution), models if alone else 1
        seconds = [time.perf_counter() - began]
        for some in (jobs[: 2 * workers], jobs):
            began = time.perf_counter()
            for _ in backend.train(spec, Optimizer("sgd"), some, records, unheard):
                pass
            seconds.append(time.perf_counter() - began)
        began = time.perf_counter()
    start, first, work = seconds
    end = time.perf_counter() - began
    return EngineSpeed(engine, workers, models, tasks, start, first, work, end)
