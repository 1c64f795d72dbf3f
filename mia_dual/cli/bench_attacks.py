"""What ``mia-dual bench --attacks`` prints: how long attacks take on a large table of logits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Optional

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mia_dual.measure.attacks_bench import AttackSpeed, Table


def bench_attacks(
    table: Table, *, memory: Optional[int], workers: Optional[int], rounds: int, as_json: bool
) -> None:
    """Measure every attack on ``table``, and print what it took."""
    from rich.console import Console

    from mia_dual.measure.attacks_bench import ATTACKS, measure_attacks

    speeds: list[AttackSpeed] = []
    with Console(stderr=True).status("writing the table") as status:
        for speed in measure_attacks(
            list(ATTACKS), table, memory=memory, workers=workers, rounds=rounds
        ):
            speeds.append(speed)
            status.update(f"measured {len(speeds)} of {len(ATTACKS)}")
    if as_json:
        typer.echo(_as_json(speeds, table, workers))
    else:
        _print_table(speeds, table)


def _print_table(speeds: Sequence[AttackSpeed], table: Table) -> None:
    from rich.console import Console
    from rich.table import Table as Lines

    lines = Lines(box=None, pad_edge=False)
    lines.add_column("attack")
    for title in ("seconds", "/ reading", "peak MB"):
        lines.add_column(title, justify="right")
    for speed in speeds:
        lines.add_row(
            speed.attack, f"{speed.seconds:.3f}", f"{speed.ratio:.1f}", f"{speed.peak / 1e6:,.0f}"
        )
    console = Console()
    console.print(lines)
    console.print(
        f"{table.references} references x {table.records:,} records x {table.classes} classes, "
        f"{table.bytes / 1e9:.3g} GB of logits. Reading: summing all of them once from memory, "
        f"{min(speed.reading for speed in speeds):.3f} s on one core.",
        highlight=False,
    )


def _as_json(speeds: Sequence[AttackSpeed], table: Table, workers: Optional[int]) -> str:
    import json
    import platform
    from dataclasses import asdict

    from joblib import cpu_count

    machine = {
        "processor": platform.processor() or platform.machine(),
        "cores": cpu_count(),
        "workers": workers or cpu_count(),
        "python": platform.python_version(),
    }
    measured = [
        {
            "attack": speed.attack,
            "seconds": speed.seconds,
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
