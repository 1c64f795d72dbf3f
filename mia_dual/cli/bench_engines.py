"""``mia-dual bench --engines``: what engines add to the work that they have done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mia_dual.cli.telling import Telling
    from mia_dual.measure.engines_bench import EngineSpeed

EMPTY = "empty tasks"
COLUMNS = ("engine", "workers", "tasks", "start", "first", "work", "ms a task", "end", "ratio")


def bench_engines(
    backends: Sequence[str],
    models: int,
    steps: int,
    tasks: int,
    workers: Sequence[int],
    telling: Telling,
) -> None:
    """Measure empty tasks, then each of ``backends`` on ``models``; print tables and ratios."""
    from mia_dual.measure.engines_bench import compare_empty, compare_real
    from mia_dual.optional import check_installed

    check_installed("ray", "bench --engines", "ray")
    found: dict[str, list[EngineSpeed]] = {}
    with telling.waiting.status("measuring"):
        found[EMPTY] = list(compare_empty(tasks, workers))
        for name in backends:
            found[name] = list(compare_real(name, models, steps, workers))
    for title, speeds in found.items():
        _print(title, speeds, telling)
    telling.end(
        "work: seconds of a call once all is loaded; the ratio is to the first line's work",
        lambda: {title: [asdict(speed) for speed in speeds] for title, speeds in found.items()},
    )


def _print(title: str, speeds: Sequence[EngineSpeed], telling: Telling) -> None:
    rows = [
        (
            speed.engine,
            str(speed.workers),
            f"{speed.tasks:,}",
            f"{speed.start:.2f}",
            f"{speed.first:.2f}",
            f"{speed.work:.2f}",
            f"{1000 * speed.task:,.2f}",
            f"{speed.end:.2f}",
            # The call itself has no task, and takes next to nothing.
            "" if title == EMPTY else f"{speed.work / speeds[0].work:.2f}",
        )
        for speed in speeds
    ]
    title = f"{title}: {speeds[0].models:,} models; seconds"
    telling.table(COLUMNS, rows, texts=1, title=title)
