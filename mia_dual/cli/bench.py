"""``mia-dual bench``: how fast backends train and answer here, and attacks score, in one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, List, Optional  # noqa: UP035  (Typer reads these on 3.9)

import typer

from mia_dual.cli.options import JSON, QUIET, device_named, devices_begun, parse_memory

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mia_dual.cli.telling import Telling
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
    device: str = typer.Option(
        "cpu",
        metavar="DEVICE",
        parser=device_named,
        autocompletion=devices_begun,
        help="Where to compute: on cpu, cuda (every GPU), cuda:1 (one) or ascend.",
    ),
    models: Optional[int] = typer.Option(
        None,
        min=1,
        help="Models trained at once: else 11, ten of them shadows; of --plan 4096.",
    ),
    seconds: float = typer.Option(3.0, min=0.1, help="How long a measurement lasts, about."),
    rounds: int = typer.Option(2, min=1, help="Times each is measured; the fastest counts."),
    image: int = typer.Option(28, min=1, help="Side of the one-channel images, in pixels."),
    workers: Optional[int] = typer.Option(
        None, min=1, help="Threads or processes that train side by side; else one a core."
    ),
    questions: bool = typer.Option(
        False, "--questions", help="Time answers and gradient norms, beside training."
    ),
    attacks: bool = typer.Option(
        False, "--attacks", help="Measure attacks on a made-up table of logits instead."
    ),
    engines: bool = typer.Option(
        False, "--engines", help="Measure what engines add to the work they have done instead."
    ),
    tasks: int = typer.Option(10_000, min=1, help="Empty tasks that engines hand out."),
    plan: bool = typer.Option(
        False, "--plan", help="Measure the plan of many models instead: seconds, memory and files."
    ),
    store: bool = typer.Option(
        False, "--store", help="Measure a store of many objects instead: list, verify, prune."
    ),
    objects: int = typer.Option(100_000, min=1, help="Objects of that store."),
    families: List[str] = typer.Option(  # noqa: UP006
        [], "--family", help="Which attacks: loss, lira, rmia, ...; repeatable. Else all."
    ),
    references: int = typer.Option(256, min=1, help="Reference models of that table."),
    records: int = typer.Option(100_000, min=1, help="Its records, or the plan's."),
    classes: int = typer.Option(10, min=2, help="Its classes."),
    memory: Optional[str] = typer.Option(
        None, metavar="SIZE", help="What references' signals may take, as 512MB; else as in a run."
    ),
    quiet: bool = QUIET,
    as_json: bool = JSON,
) -> None:
    """Models one by one against together, backend against backend, and the arithmetic limit.

    With --attacks: seconds and memory of each attack, and the ratio to reading the logits once.
    """
    from mia_dual.cli.telling import Telling

    telling = Telling(quiet, as_json)
    if attacks:
        from mia_dual.cli.bench_attacks import bench_attacks
        from mia_dual.execution import Execution
        from mia_dual.measure.attacks_bench import Table

        bytes_there = None if memory is None else parse_memory(memory)
        execution = Execution(memory=bytes_there, workers=workers)
        bench_attacks(families, Table(references, records, classes), execution, rounds, telling)
        return
    if plan or store:
        from mia_dual.cli.bench_scale import bench_plan, bench_store

        if plan:
            bench_plan(models or 4096, records, telling)
        else:
            bench_store(objects, telling)
        return
    models = models or 11
    if engines:
        from mia_dual.cli.bench_engines import bench_engines

        sides = sorted({1, workers or 2})
        bench_engines(backends or ["torch", "mindspore"], 2 * models, 500, tasks, sides, telling)
        return
    from joblib import cpu_count

    from mia_dual.measure.bench import Case, compare, matmul_flops

    names = backends or ["torch", "mindspore"]
    workers = workers or cpu_count()
    if questions:
        from mia_dual.measure.questions import compare_questions

        with telling.waiting.status("measuring"):
            asked = list(
                compare_questions(
                    names,
                    networks,
                    models=models,
                    image=image,
                    device=device,
                    seconds=seconds,
                    rounds=rounds,
                    workers=workers,
                )
            )
        _tell_questions(asked, cpu_count(), telling)
        return
    cases = [
        Case(network, batch_size, models, image)
        for network in networks
        for batch_size in batch_sizes
    ]
    peak = matmul_flops()
    speeds = []
    with telling.waiting.status("measuring") as status:
        for speed in compare(
            names,
            cases,
            device=device,
            seconds=seconds,
            rounds=rounds,
            workers=workers,
            peak=peak,
        ):
            speeds.append(speed)
            status.update(f"measured {len(speeds)} of {len(cases) * len(names)}")
    _tell(speeds, peak, cpu_count(), telling, on_cpu=device == "cpu")


def _reference(speed: Speed, speeds: Sequence[Speed]) -> Speed:
    return next(other for other in speeds if other.case == speed.case)


def _tell(speeds: Sequence[Speed], peak: float, cores: int, telling: Telling, on_cpu: bool) -> None:
    from rich.table import Table

    first = speeds[0].backend
    table = Table(box=None, pad_edge=False)
    for title in ("network", "batch", "backend"):
        table.add_column(title, overflow="fold")
    for title in ("alone ms", "together", "gain", "records/s", f"/ {first}", "/ limit"):
        table.add_column(title, justify="right", overflow="fold")
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
    telling.console.print(table)
    telling.end(
        f"Milliseconds a model and step, {speeds[0].case.models} models at once. The limit is the "
        f"counted operations at {peak / 1e9:.0f} GFLOP/s, a large float32 product on {cores} cores "
        "in this run.",
        lambda: _document(speeds, peak, cores),
    )


def _tell_questions(asked: Sequence[QuestionSpeed], cores: int, telling: Telling) -> None:
    from dataclasses import asdict

    from rich.table import Table

    from mia_dual.measure.questions import BATCH

    table = Table(box=None, pad_edge=False)
    for title in ("network", "backend"):
        table.add_column(title, overflow="fold")
    for title in ("answer ms", "training ms", "/ training", "gradient ms", "/ answer"):
        table.add_column(title, justify="right", overflow="fold")
    for speed in asked:
        gradients = speed.gradients
        table.add_row(
            speed.network,
            speed.backend,
            f"{speed.answers * 1000:.4f}",
            f"{speed.training * 1000:.4f}",
            f"{speed.answers / speed.training:.2f}",
            "-" if gradients is None else f"{gradients * 1000:.4f}",
            "-" if gradients is None else f"{gradients / speed.answers:.1f}",
        )
    telling.console.print(table)
    telling.end(
        f"Milliseconds a model and record, {asked[0].models} models at once: what they say of a "
        f"record, what a step on it takes in batches of {BATCH}, and the norms of their loss's "
        "gradient on it.",
        lambda: {"machine": _machine(cores), "measured": [asdict(speed) for speed in asked]},
    )


def _document(speeds: Sequence[Speed], peak: float, cores: int) -> dict[str, Any]:
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
    return {"machine": machine, "measured": measured}


def _machine(cores: int) -> dict[str, Any]:
    import platform

    return {
        "processor": platform.processor() or platform.machine(),
        "cores": cores,
        "python": platform.python_version(),
    }
