"""``mia-dual bench``: how fast backends start, train and answer, and attacks score, in one run."""

from __future__ import annotations

from typing import List, Optional  # noqa: UP035  (Typer reads these on Python 3.9)

import typer

from mia_dual.cli.options import JSON, QUIET, device_named, devices_begun, parse_memory


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
    image: int = typer.Option(28, min=1, help="Side of the images, in pixels."),
    channels: List[int] = typer.Option(  # noqa: UP006
        [1], "--channels", min=1, help="Of the images; repeatable."
    ),
    workers: Optional[int] = typer.Option(
        None, min=1, help="Threads or processes that train side by side; else one a core."
    ),
    questions: bool = typer.Option(
        False, "--questions", help="Time answers and gradient norms, beside training."
    ),
    start: bool = typer.Option(
        False, "--start", help="Time what a start takes instead, and a small audit in whole."
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
    as_markdown: bool = typer.Option(False, "--markdown", help="Print tables as Markdown."),
    quiet: bool = QUIET,
    as_json: bool = JSON,
) -> None:
    """Models one by one against together, backend against backend, and the arithmetic limit.

    With --questions the same of what models are asked, with --start of what comes before the first
    step. With --attacks: seconds and memory of each attack, and the ratio to reading the logits
    once.
    """
    from mia_dual.cli.telling import Telling

    telling = Telling(quiet, as_json, as_markdown)
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
    from mia_dual.measure.bench import Case

    names = backends or ["torch", "mindspore"]
    if start:
        from mia_dual.cli.bench_start import bench_start

        case = Case(networks[0], batch_sizes[0], models, image, channels[0])
        bench_start(names, case, device, rounds, telling)
        return
    from joblib import cpu_count

    how = {
        "device": device,
        "seconds": seconds,
        "rounds": rounds,
        "workers": workers or cpu_count(),
    }
    if questions:
        from mia_dual.cli.bench_questions import bench_questions
        from mia_dual.measure.questions import BATCH

        asked = [
            Case(network, BATCH, models, image, each) for network in networks for each in channels
        ]
        bench_questions(names, asked, telling, **how)
        return
    from mia_dual.cli.bench_training import bench_training

    cases = [
        Case(network, batch_size, models, image, each)
        for network in networks
        for each in channels
        for batch_size in batch_sizes
    ]
    bench_training(names, cases, telling, **how)
