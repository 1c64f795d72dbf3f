"""What ``mia-dual bench --start`` prints: what is spent before the first step, and on an audit."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from mia_dual.cli.bench_machine import machine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mia_dual.cli.telling import Telling
    from mia_dual.measure.bench import Case


def bench_start(
    backends: Sequence[str], case: Case, device: str, rounds: int, telling: Telling
) -> None:
    """Measure what starts take, the first step being of ``case``, and print it."""
    from mia_dual.measure.start_bench import AUDIT, measure_start

    with telling.waiting.status("measuring"):
        found = measure_start(backends, case, device, rounds)
    audits = {took.backend: took.wall for took in found if took.what == AUDIT}
    audits[None] = audits[backends[0]]
    rows = [
        (
            took.backend or "-",
            took.what,
            f"{took.wall:.2f}",
            "-" if took.computing is None else f"{took.computing:.2f}",
            f"{took.wall / audits[took.backend]:.2f}",
        )
        for took in found
    ]
    telling.table(("backend", "what", "seconds", "computing", "/ quick audit"), rows, texts=2)
    telling.end(
        f"Seconds from a process's start, the fastest of {rounds}; computing: of all cores until "
        f"it ended. The first step is of {case.models} {case.network}s, batch {case.batch_size}.",
        lambda: {
            "machine": machine(),
            "case": asdict(case),
            "measured": [
                {**asdict(took), "times_quick_audit": took.wall / audits[took.backend]}
                for took in found
            ],
        },
    )
