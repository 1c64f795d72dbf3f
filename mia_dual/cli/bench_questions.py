"""What ``mia-dual bench --questions`` prints: what answers and gradients of many models take."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mia_dual.cli.bench_ways import document, image_of, measured, ratios, told_limit

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
    backends: Sequence[str], cases: Sequence[Case], telling: Telling, **how: Any
) -> None:
    """Measure what is asked of the models of ``cases``, and print it; ``how`` as
    :func:`mia_dual.measure.questions.compare_questions` takes it.
    """
    from mia_dual.measure.questions import BATCH, compare_questions

    asked = measured(compare_questions, backends, cases, telling, **how)
    answers = [
        (
            *_names(speed),
            f"{speed.alone * 1e6:.2f}",
            f"{speed.together * 1e6:.2f}",
            *ratios(speed, asked, how["device"]),
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
        lambda: document(
            asked,
            lambda speed: {
                "seconds_training": speed.training,
                "seconds_gradients": speed.gradients,
                "times_training": speed.best / speed.training,
            },
        ),
    )


def _names(speed: QuestionSpeed) -> tuple[str, str, str]:
    return speed.case.network, image_of(speed.case), speed.backend
