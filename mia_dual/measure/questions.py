"""Times what models are asked, for answers and for the gradients of their losses, and training,
which answers should not be slower than.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Callable, Optional

from mia_dual.execution import Execution
from mia_dual.interface import Capability, NetworkSpec
from mia_dual.measure.bench import CLASSES, Case, in_own_process, measure_training, random_records
from mia_dual.networks import blank_weights
from mia_dual.registry import load_backend
from mia_dual.seeds import generator
from mia_dual.training.weights import draw_weights

BATCH = 16
"""Records of a step of the training that answers are held against."""

FEWEST = 128
"""Records that a model is asked about when nothing is known of how long that takes."""


@dataclass(frozen=True)
class QuestionSpeed:
    """One backend on ``models`` models of a network; seconds are those of a model and record.

    ``training``: of a step of ``BATCH`` records, by as many of them. ``gradients``: of
    :meth:`mia_dual.interface.Backend.gradient_norms`; None where it has none.
    """

    network: str
    image: int
    models: int
    backend: str
    answers: float
    training: float
    gradients: Optional[float]


def compare_questions(
    backends: Sequence[str],
    networks: Sequence[str],
    *,
    models: int,
    image: int,
    device: str,
    seconds: float,
    rounds: int,
    workers: Optional[int],
) -> Iterator[QuestionSpeed]:
    """Measure each network on each backend in turn; the fastest of ``rounds`` counts.

    ``seconds`` is how long a measurement lasts.
    """
    for network in networks:
        spec = NetworkSpec(network, (1, image, image), CLASSES)
        case, execution = Case(network, BATCH, models, image), Execution(workers=workers)
        trained: dict[str, list[float]] = {name: [] for name in backends}
        found: dict[str, list[tuple[float, Optional[float]]]] = {name: [] for name in backends}
        for _ in range(rounds):
            for name in backends:
                timing = in_own_process(measure_training, name, device, case, execution, seconds)
                trained[name].append(timing.step / BATCH)
                found[name].append(
                    in_own_process(_measure, name, device, spec, execution, models, seconds)
                )
        for name in backends:
            answers, gradients = zip(*found[name])
            measured = [each for each in gradients if each is not None]
            yield QuestionSpeed(
                network,
                image,
                models,
                name,
                answers=min(answers),
                training=min(trained[name]),
                gradients=min(measured, default=None),
            )


def _measure(
    name: str,
    device: str,
    spec: NetworkSpec,
    execution: Execution,
    models: int,
    seconds: float,
) -> tuple[float, Optional[float]]:
    backend = load_backend(name, device, execution)
    rng = generator(0, "bench")
    records = random_records(spec, rng)
    asked = [draw_weights(blank_weights(spec), rng) for _ in range(models)]

    def timed(ask: Callable[..., object], count: int) -> float:
        rows = rng.integers(0, len(records), (models, count))
        started = time.perf_counter()
        ask(spec, asked, records, rows)
        return time.perf_counter() - started

    def measured(ask: Callable[..., object]) -> float:
        count = FEWEST
        timed(ask, count)
        while True:
            taken = timed(ask, count)
            if taken >= seconds / 2:
                # So many may have been the first that were worth another process.
                return min(taken, timed(ask, count)) / count / models
            count = max(2 * count, round(count * seconds / max(taken, seconds / 20)))

    has_gradients = Capability.GRADIENTS in backend.capabilities
    return measured(backend.logits), measured(backend.gradient_norms) if has_gradients else None
