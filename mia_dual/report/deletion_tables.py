"""Deletions as tables that fit a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from rich.table import Table

from mia_dual.report.grid import change, ends, grid, number
from mia_dual.report.methods import NOTE, method_rows
from mia_dual.report.results import BeforeAfter, DeletionResult, Results


def deletions_table(deletions: Sequence[DeletionResult], name: str) -> Table:
    """What attack ``name`` does before and after each of ``deletions``."""
    table = grid(
        f"{name}: success before > after deletion",
        "deleted", "method", "retrained", "AUC deleted", "AUC retained", "test acc.",
    )  # fmt: skip
    for entry in [entry for entry in deletions if name in entry.attacks]:
        attack = entry.attacks[name]
        table.add_row(
            f"{entry.request} ({entry.deleted})",
            entry.method,
            "all" if entry.groups is None else f"{entry.groups_retrained} of {entry.groups}",
            _changed(attack.deleted, "auc"),
            _changed(attack.overall, "auc"),
            change(entry.test_accuracy_before, entry.test_accuracy),
        )
    return table


def methods_tables(results: Results, name: str) -> Iterator[Table]:
    """For each request, deletions and what they are compared with in one table."""
    rows = method_rows(results, name)
    for request in dict.fromkeys(row.request for row in rows):
        table = grid(
            f"{name}: AUC of the forget set, {request}",
            "model", "made by", "AUC", "95 %", "retained", "test acc.", "steps",
        )  # fmt: skip
        for row in rows:
            if row.request == request:
                table.add_row(
                    row.kind,
                    row.method,
                    number(row.forgotten.auc),
                    ends(row.forgotten.auc_interval),
                    number(row.retained),
                    number(row.test_accuracy),
                    f"{row.steps:,}",
                )
        table.caption = NOTE
        table.caption_justify = "left"
        yield table


def _changed(pair: BeforeAfter, field: str) -> str:
    return change(getattr(pair.before, field), getattr(pair.after, field))
