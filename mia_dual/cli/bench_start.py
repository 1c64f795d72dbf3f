"""What ``mia-dual bench --start`` prints: what is spent before the first step, and on an audit."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Optional

from mia_dual.cli.bench_machine import machine

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mia_dual.cli.telling import Telling
    from mia_dual.measure.bench import Case
    from mia_dual.measure.start_bench import Took

COLUMNS = ("backend", "what", "seconds", "computing", "/ import", "/ quick audit")


def bench_start(
    backends: Sequence[str], case: Case, device: str, rounds: int, telling: Telling
) -> None:
    """Measure what starts take, the first step being of ``case``, and print it."""
    from mia_dual.measure.start_bench import AUDIT, IMPORT, measure_start

    with telling.waiting.status("measuring"):
        found = measure_start(backends, case, device, rounds)
    wall = {(took.backend, took.what): took.wall for took in found}

    def times(took: Took, what: str) -> Optional[float]:
        """How often as long as ``what`` of its backend, or of the first."""
        other = wall.get((took.backend or backends[0], what))
        return None if other is None else took.wall / other

    rows = [
        (
            took.backend or "-",
            took.what,
            *map(_told, (took.wall, took.computing, times(took, IMPORT), times(took, AUDIT))),
        )
        for took in found
    ]
    telling.table(COLUMNS, rows, texts=2)
    telling.end(
        f"Seconds from a process's start, the fastest of {rounds}; computing: of all cores until "
        f"it ended. The first step is of {case.models} {case.network}s, batch {case.batch_size}.",
        lambda: {
            "machine": machine(),
            "case": asdict(case),
            "measured": [
                {
                    **asdict(took),
                    "times_import": times(took, IMPORT),
                    "times_quick_audit": times(took, AUDIT),
                }
                for took in found
            ],
        },
    )


def _told(number: Optional[float]) -> str:
    return "-" if number is None else f"{number:.2f}"
