"""What ``mia-dual bench`` prints of training: one by one, together, and the arithmetic limit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mia_dual.cli.bench_ways import document, image_of, measured, ratios, told_limit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mia_dual.cli.telling import Telling
    from mia_dual.measure.bench import Case

COLUMNS = ("network", "image", "batch", "backend", "alone", "together", "gain")
"""Before the ratios to the first backend and to the limit."""


def bench_training(
    backends: Sequence[str], cases: Sequence[Case], telling: Telling, **how: Any
) -> None:
    """Measure training on each of ``cases``, and print it; ``how`` as
    :func:`mia_dual.measure.bench.compare` takes it.
    """
    from mia_dual.measure.bench import compare

    speeds = measured(compare, backends, cases, telling, **how)
    rows = [
        (
            speed.case.network,
            image_of(speed.case),
            str(speed.case.batch_size),
            speed.backend,
            f"{speed.alone * 1000:.3f}",
            f"{speed.together * 1000:.3f}",
            *ratios(speed, speeds, how["device"]),
        )
        for speed in speeds
    ]
    telling.table((*COLUMNS, f"/ {backends[0]}", "/ limit"), rows, texts=4)
    telling.end(
        f"Milliseconds a model and step, {cases[0].models} models at once. {told_limit(speeds)}",
        lambda: document(
            speeds,
            lambda speed: {
                "seconds_first_call": speed.first_call,
                "records_a_second": speed.records_a_second,
            },
        ),
    )
