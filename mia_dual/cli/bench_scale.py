"""What ``mia-dual bench --plan`` and ``--store`` print: how plans and stores grow."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from mia_dual.cli.telling import Telling


def bench_plan(models: int, records: int, telling: Telling) -> None:
    """Measure a plan of ``models`` x ``records``, and print it."""
    from mia_dual.errors import ConfigError
    from mia_dual.measure.plan_bench import FEWEST_MODELS, FEWEST_RECORDS, measure_plan

    for option, given, fewest in (
        ("--models", models, FEWEST_MODELS),
        ("--records", records, FEWEST_RECORDS),
    ):
        if given < fewest:
            raise ConfigError(f"bench --plan {option} {given}: give {fewest} at least")
    with telling.waiting.status("measuring"):
        steps = measure_plan(models, records)
    rows = [
        (
            step.step,
            f"{step.seconds:.2f}",
            f"{step.bytes / 1e6:,.1f}" if step.bytes else "-",
            f"{1e6 * step.seconds / models / records:.4f}",
            _megabytes(step.peak),
        )
        for step in steps
    ]
    telling.table(("step", "seconds", "MB", "us a model and record", "peak MB"), rows, texts=1)
    telling.end(
        f"{models:,} models x {records:,} records, {sum(step.seconds for step in steps):.1f} s and "
        f"{_megabytes(steps[-1].peak)} MB of memory at most, of that process in whole; eight bytes "
        f"a model and record would be {8 * models * records / 1e6:,.0f} MB",
        lambda: {"models": models, "records": records, "steps": [asdict(step) for step in steps]},
    )


def bench_store(objects: int, telling: Telling) -> None:
    """Measure a store of ``objects``, and print it."""
    from mia_dual.measure.store_bench import measure_store

    with telling.waiting.status("measuring"):
        steps = measure_store(objects)
    found = next(step for step in steps if step.step == "find")
    rows = [
        (
            step.step,
            f"{step.seconds:.2f}",
            f"{step.computing:.2f}",
            f"{1e6 * step.seconds / objects:,.1f}",
            f"{step.seconds / found.seconds:.2f}",
        )
        for step in steps
    ]
    telling.table(("step", "seconds", "computing", "us an object", "/ find"), rows, texts=1)
    telling.end(
        f"{objects:,} objects, half of which a run refers to and half are pruned; the ratio is to "
        "finding each by its key",
        lambda: {"objects": objects, "steps": [asdict(step) for step in steps]},
    )


def _megabytes(size: Optional[int]) -> str:
    return "-" if size is None else f"{size / 1e6:,.0f}"
