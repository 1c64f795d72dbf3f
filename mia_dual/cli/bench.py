"""``mia-dual bench``: how fast the backends train on this machine, measured in one run."""

from __future__ import annotations

from typing import List, Optional  # noqa: UP035  (Typer reads these on Python 3.9)

import typer
from rich.console import Console
from rich.table import Table


def bench(
    networks: List[str] = typer.Option(  # noqa: UP006
        ["convnet"], "--network", help="Which network; repeatable."
    ),
    batch_sizes: List[int] = typer.Option(  # noqa: UP006
        [4, 16, 100], "--batch-size", min=1, help="Records a step; repeatable."
    ),
    backends: Optional[List[str]] = typer.Option(  # noqa: UP006
        None, "--backend", help="Which backends; repeatable. The ratio is to the first."
    ),
    steps: int = typer.Option(200, min=1, help="Steps timed, after as many unmeasured."),
    rounds: int = typer.Option(3, min=1, help="Times each is measured; the fastest counts."),
    image: int = typer.Option(28, min=1, help="Side of the one-channel images, in pixels."),
) -> None:
    """Seconds a training step, the same job on each backend, and the ratio between them."""
    from mia_dual.bench import Case, compare

    chosen = backends or ["torch", "mindspore"]
    table = Table("network", "batch", "backend", "ms a step", f"times {chosen[0]}", "first step s")
    for network in networks:
        for batch_size in batch_sizes:
            case = Case(network, batch_size, steps, image)
            timings = compare(chosen, case, rounds)
            for name in chosen:
                timing = timings[name]
                table.add_row(
                    network,
                    str(batch_size),
                    name,
                    f"{timing.step * 1000:.3f}",
                    f"{timing.step / timings[chosen[0]].step:.2f}",
                    f"{timing.first:.1f}",
                )
    Console().print(table)
