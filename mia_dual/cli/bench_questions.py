"""What ``mia-dual bench --questions`` prints: what answers and gradients of many models take."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Optional

from mia_dual.cli.bench_machine import machine
from mia_dual.cli.bench_training import image_of, told_limit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mia_dual.cli.telling import Telling
    from mia_dual.measure.bench import Case
    from mia_dual.measure.questions import QuestionSpeed

ANSWERS = ("network", "image", "backend", "alone", "together", "gain")
"""Before the ratios to the first backend and to the limit."""

BESIDE = (
    *("network", "image", "backend"),
    *("answer", "training", "/ training", "gradient", "/ answer"),
)


def bench_questions(
    backends: Sequence[str],
    cases: Sequence[Case],
    device: str,
    seconds: float,
    rounds: int,
    workers: Optional[int],
    telling: Telling,
) -> None:
    """Measure what is asked of the models of ``cases``, and print it."""
    from joblib import cpu_count

    from mia_dual.measure.questions import BATCH, compare_questions

    asked = []
    with telling.waiting.status("measuring") as status:
        for speed in compare_questions(
            backends,
            cases,
            device=device,
            seconds=seconds,
            rounds=rounds,
            workers=workers or cpu_count(),
        ):
            asked.append(speed)
            status.update(f"measured {len(asked)} of {len(cases) * len(backends)}")
    answers = [
        (
            *_names(speed),
            f"{speed.alone * 1e6:.2f}",
            f"{speed.together * 1e6:.2f}",
            f"{speed.alone / speed.together:.2f}",
            f"{speed.best / _reference(speed, asked).best:.2f}",
            f"{speed.best / speed.limit:.1f}" if device == "cpu" else "-",
        )
        for speed in asked
    ]
    beside = [
        (
            *_names(speed),
            f"{speed.best * 1e6:.2f}",
            f"{speed.training * 1e6:.2f}",
            f"{speed.best / speed.training:.2f}",
            "-" if speed.gradients is None else f"{speed.gradients * 1e6:.2f}",
            "-" if speed.gradients is None else f"{speed.gradients / speed.best:.1f}",
        )
        for speed in asked
    ]
    telling.table((*ANSWERS, f"/ {backends[0]}", "/ limit"), answers, texts=3, title="Answers")
    telling.table(BESIDE, beside, texts=3, title="Answers, training and gradients")
    telling.end(
        f"Microseconds a model and record, {cases[0].models} models at once: what they say of a "
        f"record, what a step on it takes in batches of {BATCH}, and the norms of their loss's "
        f"gradient on it. {told_limit(asked)}",
        lambda: _document(asked),
    )


def _names(speed: QuestionSpeed) -> tuple[str, str, str]:
    return speed.case.network, image_of(speed.case), speed.backend


def _reference(speed: QuestionSpeed, asked: Sequence[QuestionSpeed]) -> QuestionSpeed:
    return next(other for other in asked if other.case == speed.case)


def _document(asked: Sequence[QuestionSpeed]) -> dict[str, Any]:
    measured: list[dict[str, Any]] = [
        {
            **asdict(speed.case),
            "backend": speed.backend,
            "seconds_alone": speed.alone,
            "seconds_together": speed.together,
            "seconds_limit": speed.limit,
            "matmul_flops": speed.peak,
            "seconds_training": speed.training,
            "seconds_gradients": speed.gradients,
            "gain": speed.alone / speed.together,
            "times_first_backend": speed.best / _reference(speed, asked).best,
            "times_limit": speed.best / speed.limit,
            "times_training": speed.best / speed.training,
        }
        for speed in asked
    ]
    return {"machine": machine(), "measured": measured}
