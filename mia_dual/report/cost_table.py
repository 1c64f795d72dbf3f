"""A study of what deletion costs as tables for the terminal and as CSV."""

from __future__ import annotations

from typing import Any, Optional

from rich import box
from rich.console import Console
from rich.table import Table

from mia_dual.report.cost import CostResults, Mean, RequestCost
from mia_dual.report.rows_as_csv import rows_as_csv


def as_csv(results: CostResults) -> str:
    """A row for each number of groups and slices and each request, in full, as study.json has
    them: means under their names, with ``<name>.low`` and ``<name>.high``; ``training.<name>`` is
    of training the groups. Empty: null.
    """
    trainings = {(one.groups, one.slices): one for one in results.trainings}
    rows = []
    for request in results.requests:
        row = _flat(request.model_dump())
        training = trainings[request.groups, request.slices].model_dump(
            exclude={"groups", "slices"}
        )
        rows.append({**row, **{f"training.{name}": one for name, one in _flat(training).items()}})
    # A request that was not timed has none of the columns of its seconds.
    return rows_as_csv(rows)


def _flat(found: dict[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for name, value in found.items():
        if isinstance(value, dict):
            row[name] = value["mean"]
            row[f"{name}.low"], row[f"{name}.high"] = value["low"], value["high"]
        else:
            row[name] = value
    return row


def print_cost(results: CostResults, console: Console) -> None:
    """Print what training and requests take, within 80 columns, and the finding."""
    console.print(
        f"\n{results.name}: {results.members} members of {results.data}, {results.network}, "
        f"{results.epochs} epochs ({results.backend}), {len(results.seeds)} seeds; one model takes "
        f"{results.single_steps:,} steps, {results.single_seconds.mean:.2f} s, accuracy "
        f"{results.single_accuracy.mean:.3f}",
        highlight=False,
    )
    console.print(_trainings(results))
    console.print(_requests(results))
    console.print(results.finding, highlight=False)


def _trainings(results: CostResults) -> Table:
    table = _table("Training in groups and slices, beside one model", "groups", "slices")
    for name in ("steps", "x one", "seconds", "x one", "MB kept", "accuracy"):
        table.add_column(name, justify="right", overflow="fold")
    for one in results.trainings:
        table.add_row(
            str(one.groups),
            str(one.slices),
            f"{one.steps:,}",
            f"{one.steps_share:.2f}",
            f"{one.seconds.mean:.2f}",
            f"{one.seconds_share.mean:.2f}",
            f"{one.bytes.mean / 1e6:.2f}",
            _of(one.accuracy),
        )
    return table


def _requests(results: CostResults) -> Table:
    table = _table(
        "Requests, as shares of full retraining for the same", "groups", "slices", "request"
    )
    for name in ("models", "steps", "records", "expected", "paper", "seconds", "acc."):
        table.add_column(name, justify="right", overflow="fold")
    for one in results.requests:
        if _is_shown(one, results):
            table.add_row(
                str(one.groups),
                str(one.slices),
                one.request,
                f"{one.models.mean:.1f}",
                f"{one.steps_share.mean:.4f}",
                f"{one.records_share.mean:.4f}",
                f"{one.expected_share:.4f}",
                _number(one.published_share),
                _number(None if one.seconds_share is None else one.seconds_share.mean, 3),
                f"{one.accuracy.mean:.3f}",
            )
    table.caption = "study.csv has the others; seconds: of requests that were served alone"
    table.caption_justify = "left"
    return table


def _is_shown(request: RequestCost, results: CostResults) -> bool:
    """Of requests one by one, the fewest and the most."""
    counts = [one.requests for one in results.requests if one.share is None]
    return request.share is not None or request.requests in (min(counts), max(counts))


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _number(value: Optional[float], digits: int = 4) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def _of(mean: Mean) -> str:
    if mean.low is None or mean.high is None:
        return f"{mean.mean:.3f}"
    return f"{mean.mean:.3f} {max(mean.low, 0):.3f}-{min(mean.high, 1):.3f}"
