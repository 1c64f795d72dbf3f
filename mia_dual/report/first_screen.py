"""The answer on one screen: the verdict, the strongest attacks, deletion.

At most 23 lines of 80 columns, so that one stays for where the rest is; no more than 60 columns
where the terminal has no more.
"""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.table import Table

from mia_dual.report.grid import ends, number
from mia_dual.report.headline import headline
from mia_dual.report.results import DeletionResult, Results, Success
from mia_dual.report.strength import by_strength, rate_told

MOST_ATTACKS = 5
MOST_DELETIONS = 4
"""Rows of the two tables; the others are behind ``--full``."""

WIDE = 72
"""Columns that the table of attacks takes with the interval of its AUC, and room between all."""

VAGUE = 0.2
"""An AUC whose interval is wider is said to show little."""


def print_answer(results: Results, console: Console) -> None:
    """Print the verdict, the strongest attacks, and what deletions left of deleted records."""
    print_verdict(results, console)
    _print_strongest(results, console)
    if results.deletion:
        console.print()
        print_deleted(results.deletion, results, console)


def print_verdict(results: Results, console: Console) -> None:
    """Print what was audited, how exposed it is, and what that does not show."""
    several = f"{results.targets} targets: " if results.targets > 1 else ""
    top = headline(results)
    for line in (
        f"{several}{results.network} on {results.data.name} ({results.backend}): accuracy "
        f"{number(results.target.train_accuracy)} on members, "
        f"{number(results.target.test_accuracy)} on non-members",
        top.verdict,
        top.limits,
    ):
        console.print(line, markup=False, highlight=False)


def _print_strongest(results: Results, console: Console) -> None:
    order, rate = by_strength(results.attacks), rate_told(results.attacks)
    first = f"{min(MOST_ATTACKS, len(order))} strongest of {len(order)} attacks"
    table = _lines(
        console, first, "AUC" if rate is None else f"found at {100 * float(rate):g} %", "95 %"
    )
    if rate is not None:
        table.add_column("AUC", overflow="fold")
        if console.width >= WIDE:
            table.add_column("95 %", overflow="fold")
    for name in order[:MOST_ATTACKS]:
        found = results.attacks[name]
        of_auc = [number(found.auc), ends(found.auc_interval)]
        if rate is None:
            figures = of_auc
        else:
            figures = [number(found.tpr_at_fpr[rate]), ends(found.tpr_interval[rate]), *of_auc]
        table.add_row(name, *figures[: len(table.columns) - 1])
    console.print()
    console.print(table)
    if results.not_run:
        count = len(results.not_run)
        attacks = "1 attack" if count == 1 else f"{count} attacks"
        console.print(f"{attacks} did not run: --full says why.", highlight=False)


def print_deleted(deletions: Sequence[DeletionResult], results: Results, console: Console) -> None:
    """Print the AUC of the records of ``deletions`` before and after, and, where ``results`` have
    models that never saw them, that on these: by the strongest attack that ran on all of them.
    """
    attack = max(
        by_strength(results.attacks),
        key=lambda name: sum(name in entry.attacks for entry in deletions),
    )
    deletions = [entry for entry in deletions if attack in entry.attacks]
    references = {
        entry.request: entry.attacks[attack].deleted.after.auc
        for entry in results.compared
        if entry.method == "reference" and attack in entry.attacks
    }
    table = _lines(console, "deleted", "by", "before", "after", "95 %")
    if references:
        table.add_column("unseen", overflow="fold")
    for entry in deletions[:MOST_DELETIONS]:
        sides = entry.attacks[attack].deleted
        never = [number(references.get(entry.request))] if references else []
        table.add_row(
            f"{entry.request} ({entry.deleted:,})",
            entry.method,
            number(sides.before.auc),
            number(sides.after.auc),
            ends(sides.after.auc_interval),
            *never,
        )
    console.print(table)
    note = f"AUC of deleted records by {attack}; what was never seen has about .5"
    if references:
        note += " (unseen: on models that never saw them)"
    if any(map(_is_vague, (entry.attacks[attack].deleted.after for entry in deletions))):
        note += "; so few records show little"
    left = len(deletions) - MOST_DELETIONS
    if left > 0:
        note += f"; {left} more with --full"
    console.print(f"{note}.", markup=False, highlight=False)


def _is_vague(after: Success) -> bool:
    interval = after.auc_interval
    return interval is None or interval[1] - interval[0] > VAGUE


def _lines(console: Console, *columns: str) -> Table:
    between = 2 if console.width >= WIDE else 1
    table = Table(box=None, padding=(0, between, 0, 0), pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table
