"""Times what models are asked, for answers and for the gradients of their losses, and training,
which answers should not be slower than.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Callable, Optional

from mia_dual.execution import Execution, Together
from mia_dual.flops import forward_flops
from mia_dual.interface import Capability, NetworkSpec
from mia_dual.measure.bench import (
    MODES,
    Case,
    in_own_process,
    matmul_flops,
    measure_training,
    on_all_cores,
    random_records,
)
from mia_dual.networks import blank_weights
from mia_dual.seeds import generator
from mia_dual.training.weights import draw_weights

BATCH = 16
"""Records of a step of the training that answers are held against."""

FEWEST = 128
"""Records that a model is asked about when nothing is known of how long that takes."""


@dataclass(frozen=True)
class QuestionSpeed:
    """One backend asked about one case; seconds are those of a model and record.

    ``alone`` and ``together``: answers of models one by one, and of stacked parameters wherever
    the backend can. ``limit``: the counted operations forward at ``peak`` operations a second, what
    :func:`mia_dual.measure.bench.matmul_flops` said beside it.
    ``training``: of a step of ``BATCH`` records, by as many of them. ``gradients``: of
    :meth:`mia_dual.interface.Backend.gradient_norms`; None where it has none. Both are together.
    """

    case: Case
    backend: str
    alone: float
    together: float
    limit: float
    peak: float
    training: float
    gradients: Optional[float]

    @property
    def best(self) -> float:
        """Of an answer, the faster of both ways."""
        return min(self.alone, self.together)


def compare_questions(
    backends: Sequence[str],
    cases: Sequence[Case],
    *,
    device: str,
    seconds: float,
    rounds: int,
    workers: Optional[int],
) -> Iterator[QuestionSpeed]:
    """Measure each case, in batches of ``BATCH``, on each backend in turn; the fastest of
    ``rounds`` counts.

    ``seconds`` is how long a measurement lasts.
    """
    for case in cases:
        spec, together = case.spec, Execution("always", workers=workers)
        trained: dict[str, list[float]] = {name: [] for name in backends}
        found: dict[tuple[str, Together], list[tuple[float, Optional[float]]]] = {}
        peak = 0.0
        for _ in range(rounds):
            peak = max(peak, matmul_flops())
            for name in backends:
                timing = in_own_process(measure_training, name, device, case, together, seconds)
                trained[name].append(timing.step / BATCH)
                for mode in MODES:
                    execution = Execution(mode, workers=workers)
                    asked = in_own_process(
                        _measure, name, device, spec, execution, case.models, seconds
                    )
                    found.setdefault((name, mode), []).append(asked)
        for name in backends:
            alone, _ = zip(*found[name, "never"])
            answers, gradients = zip(*found[name, "always"])
            measured = [each for each in gradients if each is not None]
            yield QuestionSpeed(
                case,
                name,
                alone=min(alone),
                together=min(answers),
                limit=forward_flops(spec, blank_weights(spec)) / peak,
                peak=peak,
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
    backend = on_all_cores(name, device, execution)
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
                # So many may have been the first that another process was started for.
                return min(taken, timed(ask, count)) / count / models
            count = max(2 * count, round(count * seconds / max(taken, seconds / 20)))

    answers = measured(backend.logits)
    if execution.together == "never" or Capability.GRADIENTS not in backend.capabilities:
        return answers, None
    return answers, measured(backend.gradient_norms)
