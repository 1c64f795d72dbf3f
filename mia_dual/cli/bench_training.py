"""What ``mia-dual bench`` prints of training: one by one, together, and the arithmetic limit."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Optional, Union

from mia_dual.cli.bench_machine import machine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mia_dual.cli.telling import Telling
    from mia_dual.measure.bench import Case, Speed
    from mia_dual.measure.questions import QuestionSpeed

COLUMNS = ("network", "image", "batch", "backend", "alone", "together", "gain")
"""Before the ratios to the first backend and to the limit."""


def bench_training(
    backends: Sequence[str],
    cases: Sequence[Case],
    device: str,
    seconds: float,
    rounds: int,
    workers: Optional[int],
    telling: Telling,
) -> None:
    """Measure training on each of ``cases``, and print it."""
    from joblib import cpu_count

    from mia_dual.measure.bench import compare

    speeds = []
    with telling.waiting.status("measuring") as status:
        for speed in compare(
            backends,
            cases,
            device=device,
            seconds=seconds,
            rounds=rounds,
            workers=workers or cpu_count(),
        ):
            speeds.append(speed)
            status.update(f"measured {len(speeds)} of {len(cases) * len(backends)}")
    rows = [
        (
            speed.case.network,
            image_of(speed.case),
            str(speed.case.batch_size),
            speed.backend,
            f"{speed.alone * 1000:.3f}",
            f"{speed.together * 1000:.3f}",
            f"{speed.alone / speed.together:.2f}",
            f"{speed.best / _reference(speed, speeds).best:.2f}",
            f"{speed.best / speed.limit:.1f}" if device == "cpu" else "-",
        )
        for speed in speeds
    ]
    telling.table((*COLUMNS, f"/ {backends[0]}", "/ limit"), rows, texts=4)
    telling.end(
        f"Milliseconds a model and step, {cases[0].models} models at once. {told_limit(speeds)}",
        lambda: _document(speeds),
    )


def image_of(case: Case) -> str:
    """The channels and the side of its images."""
    return f"{case.channels}x{case.image}"


def told_limit(speeds: Sequence[Union[Speed, QuestionSpeed]]) -> str:
    """What the limit of a table is, in a sentence."""
    from joblib import cpu_count

    peaks = [speed.peak / 1e9 for speed in speeds]
    return (
        f"The limit is the counted operations at the speed of a large float32 product on "
        f"{cpu_count()} cores, measured beside each: {min(peaks):.1f} to {max(peaks):.1f} GFLOP/s."
    )


def _reference(speed: Speed, speeds: Sequence[Speed]) -> Speed:
    return next(other for other in speeds if other.case == speed.case)


def _document(speeds: Sequence[Speed]) -> dict[str, Any]:
    measured: list[dict[str, Any]] = [
        {
            **asdict(speed.case),
            "backend": speed.backend,
            "seconds_alone": speed.alone,
            "seconds_together": speed.together,
            "seconds_limit": speed.limit,
            "matmul_flops": speed.peak,
            "seconds_first_call": speed.first_call,
            "records_a_second": speed.records_a_second,
            "gain": speed.alone / speed.together,
            "times_first_backend": speed.best / _reference(speed, speeds).best,
            "times_limit": speed.best / speed.limit,
        }
        for speed in speeds
    ]
    return {"machine": machine(), "measured": measured}
