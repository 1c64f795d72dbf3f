"""``mia-dual bench``: how fast backends train and answer here, and attacks score, in one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List, Optional  # noqa: UP035  (Typer reads these on 3.9)

import typer

from mia_dual.cli.options import Device, parse_memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mia_dual.measure.bench import Speed
    from mia_dual.measure.questions import QuestionSpeed


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
    device: Device = typer.Option(Device.cpu, help="Where to compute.", case_sensitive=False),
    models: int = typer.Option(11, min=1, help="Models trained at once: a target, ten shadows."),
    seconds: float = typer.Option(3.0, min=0.1, help="How long a measurement lasts, about."),
    rounds: int = typer.Option(2, min=1, help="Times each is measured; the fastest counts."),
    image: int = typer.Option(28, min=1, help="Side of the one-channel images, in pixels."),
    workers: Optional[int] = typer.Option(
        None, min=1, help="Threads or processes that train side by side; else one a core."
    ),
    questions: bool = typer.Option(
        False, "--questions", help="Time answers and gradient norms, in place of training."
    ),
    attacks: bool = typer.Option(
        False, "--attacks", help="Measure attacks on a made-up table of logits instead."
    ),
    families: List[str] = typer.Option(  # noqa: UP006
        [], "--family", help="Which attacks: loss, lira, rmia, ...; repeatable. Else all."
    ),
    references: int = typer.Option(256, min=1, help="Reference models of that table."),
    records: int = typer.Option(100_000, min=1, help="Its records."),
    classes: int = typer.Option(10, min=2, help="Its classes."),
    memory: Optional[str] = typer.Option(
        None, metavar="SIZE", help="What references' signals may take, as 512MB; else as in a run."
    ),
    as_json: bool = typer.Option(False, "--json", help="Print everything measured as JSON."),
) -> None:
    """Models one by one against together, backend against backend, and the arithmetic limit.

    With --attacks: seconds and memory of each attack, and the ratio to reading the logits once.
    """
    if attacks:
        from mia_dual.cli.bench_attacks import bench_attacks
        from mia_dual.execution import Execution
        from mia_dual.measure.attacks_bench import Table

        bytes_there = None if memory is None else parse_memory(memory)
        execution = Execution(memory=bytes_there, workers=workers)
        bench_attacks(families, Table(references, records, classes), execution, rounds, as_json)
        return
    from joblib import cpu_count
    from rich.console import Console

    from mia_dual.measure.bench import Case, compare, matmul_flops

    names = backends or ["torch", "mindspore"]
    workers = workers or cpu_count()
    if questions:
        from mia_dual.measure.questions import compare_questions

        with Console(stderr=True).status("measuring"):
            asked = list(
                compare_questions(
                    names,
                    networks,
                    models=models,
                    image=image,
                    device=device.value,
                    seconds=seconds,
                    rounds=rounds,
                    workers=workers,
                )
            )
        _show_questions(asked, cpu_count(), as_json)
        return
    cases = [
        Case(network, batch_size, models, image)
        for network in networks
        for batch_size in batch_sizes
    ]
    peak = matmul_flops()
    speeds = []
    with Console(stderr=True).status("measuring") as status:
        for speed in compare(
            names,
            cases,
            device=device.value,
            seconds=seconds,
            rounds=rounds,
            workers=workers,
            peak=peak,
        ):
            speeds.append(speed)
            status.update(f"measured {len(speeds)} of {len(cases) * len(names)}")
    if as_json:
        typer.echo(_as_json(speeds, peak, cpu_count()))
    else:
        _print_table(speeds, peak, cpu_count(), on_cpu=device is Device.cpu)


def _reference(speed: Speed, speeds: Sequence[Speed]) -> Speed:
    return next(other for other in speeds if other.case == speed.case)


def _print_table(speeds: Sequence[Speed], peak: float, cores: int, on_cpu: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    first = speeds[0].backend
    table = Table(box=None, pad_edge=False)
    for title in ("network", "batch", "backend"):
        table.add_column(title)
    for title in ("alone ms", "together", "gain", "records/s", f"/ {first}", "/ limit"):
        table.add_column(title, justify="right")
    for speed in speeds:
        table.add_row(
            speed.case.network,
            str(speed.case.batch_size),
            speed.backend,
            f"{speed.alone * 1000:.3f}",
            f"{speed.together * 1000:.3f}",
            f"{speed.alone / speed.together:.2f}",
            f"{speed.records_a_second:,.0f}",
            f"{speed.best / _reference(speed, speeds).best:.2f}",
            f"{speed.best / speed.limit:.1f}" if on_cpu else "-",
        )
    console = Console()
    console.print(table)
    console.print(
        f"Milliseconds a model and step, {speeds[0].case.models} models at once. The limit is the "
        f"counted operations at {peak / 1e9:.0f} GFLOP/s, a large float32 product on {cores} cores "
        "in this run.",
        highlight=False,
    )


def _show_questions(asked: Sequence[QuestionSpeed], cores: int, as_json: bool) -> None:
    import json
    from dataclasses import asdict

    from rich.console import Console
    from rich.table import Table

    if as_json:
        measured = [asdict(speed) for speed in asked]
        typer.echo(json.dumps({"machine": _machine(cores), "measured": measured}, indent=2))
        return
    table = Table(box=None, pad_edge=False)
    for title in ("network", "backend"):
        table.add_column(title)
    for title in ("answer ms", "gradient ms", "/ answer"):
        table.add_column(title, justify="right")
    for speed in asked:
        gradients = speed.gradients
        table.add_row(
            speed.network,
            speed.backend,
            f"{speed.answers * 1000:.4f}",
            "-" if gradients is None else f"{gradients * 1000:.4f}",
            "-" if gradients is None else f"{gradients / speed.answers:.1f}",
        )
    console = Console()
    console.print(table)
    console.print(
        f"Milliseconds a model and record, {asked[0].models} models at once: what they say of a "
        "record, and the norms of their loss's gradient on it.",
        highlight=False,
    )


def _as_json(speeds: Sequence[Speed], peak: float, cores: int) -> str:
    import json
    from dataclasses import asdict

    measured: list[dict[str, Any]] = [
        {
            **asdict(speed.case),
            "backend": speed.backend,
            "seconds_alone": speed.alone,
            "seconds_together": speed.together,
            "seconds_limit": speed.limit,
            "seconds_first_call": speed.first_call,
            "records_a_second": speed.records_a_second,
            "gain": speed.alone / speed.together,
            "times_first_backend": speed.best / _reference(speed, speeds).best,
            "times_limit": speed.best / speed.limit,
        }
        for speed in speeds
    ]
    machine = {**_machine(cores), "matmul_flops": peak}
    return json.dumps({"machine": machine, "measured": measured}, indent=2)


def _machine(cores: int) -> dict[str, Any]:
    import platform

    return {
        "processor": platform.processor() or platform.machine(),
        "cores": cores,
        "python": platform.python_version(),
    }
