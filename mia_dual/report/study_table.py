"""A study's findings as a table for the terminal and as CSV."""

from __future__ import annotations

from typing import Any, Optional

from rich import box
from rich.console import Console
from rich.table import Table

from mia_dual.report.rows_as_csv import rows_as_csv
from mia_dual.report.study import Figure, Point, StudyResults


def as_csv(results: StudyResults) -> str:
    """Every figure of every point: ``value``, ``across``, ``series``, ``number``, ``deleted``,
    ``method``, then of each figure its mean under its name, and ``<figure>.low``,
    ``<figure>.high`` and ``<figure>.seed<n>``; in full, as study.json has them. Empty: null.
    """
    figures = list(dict.fromkeys(name for point in results.points for name in point.figures))
    return rows_as_csv([_row(point, figures, results.seeds) for point in results.points])


def _row(point: Point, figures: list[str], seeds: list[int]) -> dict[str, Any]:
    row = point.model_dump(exclude={"figures"})
    for name in figures:
        figure = point.figures.get(name)
        row[name] = figure and figure.mean
        row[f"{name}.low"] = figure and figure.low
        row[f"{name}.high"] = figure and figure.high
        for place, seed in enumerate(seeds):
            row[f"{name}.seed{seed}"] = figure and figure.seeds[place]
    return row


def print_study(results: StudyResults, console: Console) -> None:
    """Print a table an attack, within 80 columns, and the finding."""
    console.print(
        f"\n{results.name}: {results.label} on {results.data} "
        f"({', '.join(results.backends)}), {len(results.seeds)} seeds each; means with 95 % "
        "intervals over seeds",
        soft_wrap=True,
        highlight=False,
    )
    for attack in results.attacks:
        console.print(_table(results, attack))
    console.print(results.finding, highlight=False)


def _table(results: StudyResults, attack: str) -> Table:
    of_deletion = results.x == "deleted"
    # Column -> the figure in it, and whether its interval is shown.
    columns = (
        {
            "test acc.": ("test_accuracy", True),
            "AUC retained": (f"auc.{attack}", True),
            "AUC deleted": (f"auc_deleted.{attack}", False),
            "before": (f"auc_deleted_before.{attack}", False),
        }
        if of_deletion
        else {
            "train": ("train_accuracy", False),
            "test": ("test_accuracy", False),
            "gap": ("gap", False),
            "AUC": (f"auc.{attack}", True),
            "TPR@.1": (f"tpr.{attack}", True),
        }
    )
    table = Table(title=attack, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("value", max_width=24, overflow="fold")
    if of_deletion:
        table.add_column("deleted", justify="right", overflow="fold")
    for name in columns:
        table.add_column(name, justify="right", overflow="fold")
    for point in results.points:
        cells = [point.series if of_deletion else point.value]
        if of_deletion:
            cells.append(f"{point.deleted or 0:.0%}")
        for figure, with_interval in columns.values():
            cells.append(_cell(point.figures.get(figure), with_interval))
        table.add_row(*cells)
    return table


def _cell(figure: Optional[Figure], with_interval: bool) -> str:
    if figure is None or figure.mean is None:
        return "-"
    if not with_interval or figure.low is None or figure.high is None:
        return f"{figure.mean:.3f}"
    return f"{figure.mean:.3f} {figure.low:.2f}-{figure.high:.2f}"
