"""What ``mia-dual bench --attacks`` prints: how long attacks take on a large table of logits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mia_dual.cli.telling import Telling
    from mia_dual.execution import Execution
    from mia_dual.measure.attacks_bench import AttackSpeed, Table


def bench_attacks(
    families: Sequence[str], table: Table, execution: Execution, rounds: int, telling: Telling
) -> None:
    """Measure every attack of ``families`` (none named: all) on ``table``, and print it."""
    from dataclasses import replace

    from joblib import cpu_count

    from mia_dual.measure.attacks_bench import MEASURED, attacks_of, measure_attacks

    names = attacks_of(families or MEASURED)
    execution = replace(execution, workers=execution.workers or cpu_count())
    speeds: list[AttackSpeed] = []
    with telling.waiting.status("writing the table") as status:
        for speed in measure_attacks(names, table, execution, rounds):
            speeds.append(speed)
            status.update(f"measured {len(speeds)} of {len(names)}")
    _tell(speeds, table, execution, telling)


def _tell(
    speeds: Sequence[AttackSpeed], table: Table, execution: Execution, telling: Telling
) -> None:
    rows = [
        (
            speed.attack,
            f"{speed.signal:.3f}",
            f"{speed.score:.3f}",
            f"{speed.ratio:.1f}",
            f"{speed.peak / 1e6:,.0f}",
        )
        for speed in speeds
    ]
    telling.table(("attack", "signal s", "score s", "/ reading", "peak MB"), rows, texts=1)
    telling.end(
        f"{table.references} references x {table.records:,} records x {table.classes} classes and "
        f"a population of {table.population:,}, {table.bytes / 1e9:.3g} GB of logits, "
        f"{execution.workers} threads. Attacks with one signal share it. Reading: summing all "
        f"logits once from memory, {min(speed.reading for speed in speeds):.3f} s on one core.",
        lambda: _document(speeds, table, execution),
    )


def _document(speeds: Sequence[AttackSpeed], table: Table, execution: Execution) -> dict[str, Any]:
    from dataclasses import asdict

    from mia_dual.cli.bench_machine import machine

    measured = [
        {
            "attack": speed.attack,
            "seconds_signal": speed.signal,
            "seconds_score": speed.score,
            "seconds_reading": speed.reading,
            "times_reading": speed.ratio,
            "peak_bytes": speed.peak,
        }
        for speed in speeds
    ]
    return {
        "machine": {**machine(), "workers": execution.workers},
        "table": {**asdict(table), "bytes": table.bytes},
        "measured": measured,
    }
