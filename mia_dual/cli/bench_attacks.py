"""What ``mia-dual bench --attacks`` prints: how long attacks take on a large table of logits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mia_dual.execution import Execution
    from mia_dual.measure.attacks_bench import AttackSpeed, Table


def bench_attacks(
    families: Sequence[str], table: Table, execution: Execution, rounds: int, as_json: bool
) -> None:
    """Measure every attack of ``families`` (none named: all) on ``table``, and print it."""
    from dataclasses import replace

    from joblib import cpu_count
    from rich.console import Console

    from mia_dual.measure.attacks_bench import MEASURED, attacks_of, measure_attacks

    names = attacks_of(families or MEASURED)
    execution = replace(execution, workers=execution.workers or cpu_count())
    speeds: list[AttackSpeed] = []
    with Console(stderr=True).status("writing the table") as status:
        for speed in measure_attacks(names, table, execution, rounds):
            speeds.append(speed)
            status.update(f"measured {len(speeds)} of {len(names)}")
    if as_json:
        typer.echo(_as_json(speeds, table, execution))
    else:
        _print_table(speeds, table, execution)


def _print_table(speeds: Sequence[AttackSpeed], table: Table, execution: Execution) -> None:
    from rich.console import Console
    from rich.table import Table as Lines

    lines = Lines(box=None, pad_edge=False)
    lines.add_column("attack")
    for title in ("signal s", "score s", "/ reading", "peak MB"):
        lines.add_column(title, justify="right")
    for speed in speeds:
        lines.add_row(
            speed.attack,
            f"{speed.signal:.3f}",
            f"{speed.score:.3f}",
            f"{speed.ratio:.1f}",
            f"{speed.peak / 1e6:,.0f}",
        )
    console = Console()
    console.print(lines)
    console.print(
        f"{table.references} references x {table.records:,} records x {table.classes} classes and "
        f"a population of {table.population:,}, {table.bytes / 1e9:.3g} GB of logits, "
        f"{execution.workers} threads. Attacks with one signal share it. Reading: summing all "
        f"logits once from memory, {min(speed.reading for speed in speeds):.3f} s on one core.",
        highlight=False,
    )


def _as_json(speeds: Sequence[AttackSpeed], table: Table, execution: Execution) -> str:
    import json
    import platform
    from dataclasses import asdict

    from joblib import cpu_count

    machine = {
        "processor": platform.processor() or platform.machine(),
        "cores": cpu_count(),
        "workers": execution.workers,
        "python": platform.python_version(),
    }
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
    return json.dumps(
        {
            "machine": machine,
            "table": {**asdict(table), "bytes": table.bytes},
            "measured": measured,
        },
        indent=2,
    )
