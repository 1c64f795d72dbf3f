"""What is measured both ways, one by one and together: how it is waited for, and told."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Callable, TypeVar, Union

from mia_dual.cli.bench_machine import machine

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mia_dual.cli.telling import Telling
    from mia_dual.measure.bench import Case, Speed
    from mia_dual.measure.questions import QuestionSpeed

Measured = TypeVar("Measured", bound="Union[Speed, QuestionSpeed]")


def measured(
    compare: Callable[..., Iterator[Measured]],
    backends: Sequence[str],
    cases: Sequence[Case],
    telling: Telling,
    **how: Any,
) -> list[Measured]:
    """What ``compare`` measures of ``backends`` on ``cases``, given ``how``."""
    found: list[Measured] = []
    with telling.waiting.status("measuring") as status:
        for speed in compare(backends, cases, **how):
            found.append(speed)
            status.update(f"measured {len(found)} of {len(cases) * len(backends)}")
    return found


def image_of(case: Case) -> str:
    """The channels and the side of its images."""
    return f"{case.channels}x{case.image}"


def ratios(speed: Measured, speeds: Sequence[Measured], device: str) -> tuple[str, str, str]:
    """The gain, and the faster way by that of the first backend and by the limit."""
    return (
        f"{_gain(speed):.2f}",
        f"{_times_first(speed, speeds):.2f}",
        f"{speed.best / speed.limit:.1f}" if device == "cpu" else "-",
    )


def told_limit(speeds: Sequence[Measured]) -> str:
    """What the limit of a table is, in a sentence."""
    from joblib import cpu_count

    peaks = [speed.peak / 1e9 for speed in speeds]
    return (
        f"The limit is the counted operations at the speed of a large float32 product on "
        f"{cpu_count()} cores, measured beside each: {min(peaks):.1f} to {max(peaks):.1f} GFLOP/s."
    )


def document(
    speeds: Sequence[Measured], others: Callable[[Measured], dict[str, Any]]
) -> dict[str, Any]:
    """The machine and all that was measured, ``others`` of each included."""
    found = [
        {
            **asdict(speed.case),
            "backend": speed.backend,
            "seconds_alone": speed.alone,
            "seconds_together": speed.together,
            "seconds_limit": speed.limit,
            "matmul_flops": speed.peak,
            **others(speed),
            "gain": _gain(speed),
            "times_first_backend": _times_first(speed, speeds),
            "times_limit": speed.best / speed.limit,
        }
        for speed in speeds
    ]
    return {"machine": machine(), "measured": found}


def _gain(speed: Union[Speed, QuestionSpeed]) -> float:
    return speed.alone / speed.together


def _times_first(speed: Measured, speeds: Sequence[Measured]) -> float:
    return speed.best / next(other for other in speeds if other.case == speed.case).best
