"""What the terminal shows of results: one screen of answer, and the long tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Optional

from rich.console import Console

from mia_dual.report.attack_tables import (
    attacks_table,
    classes_table,
    shadows_table,
    together_table,
)
from mia_dual.report.deletion_tables import deletions_table, methods_tables
from mia_dual.report.first_screen import print_answer, print_deleted, print_verdict
from mia_dual.report.forgetting_table import print_forgetting
from mia_dual.report.results import GroupedResult, Results, ShadowDataResult
from mia_dual.report.strength import by_strength, shown_around_deletions


def print_results(results: Results, console: Console, full: bool = False) -> None:
    """Print what a run found: the answer on one screen; with ``full`` the verdict and all tables.

    These are the attacks by strength, the strongest per class, and what deletions did to the
    strongest of each kind, beside what they are compared with.
    """
    if full:
        print_verdict(results, console)
        _print_tables(results, console)
    else:
        print_answer(results, console)


def rest_of(path: Path, full: bool = False, page: Optional[Path] = None) -> str:
    """The line that says where the rest is of what was printed of the run in ``path``."""
    further = "mia-dual report" if full else "--full, or mia-dual report"
    if page is None:
        return f"{path}: results.json holds all of it; see {further}"
    printed = "" if full else "; --full prints the long tables"
    return f"{page} shows it; {path / 'results.json'} holds all of it{printed}"


def _print_tables(results: Results, console: Console) -> None:
    if results.shadow_data is not None:
        console.print(_shadow_data(results.shadow_data), soft_wrap=True)
    order = by_strength(results.attacks)
    console.print(attacks_table("original", results.attacks, order))
    if results.shadow_data is not None:
        console.print(
            attacks_table("real shadow data", results.shadow_data.attacks_with_real, order)
        )
    if results.grouped is not None:
        _print_grouped(results.grouped, order, console)
    if results.together is not None:
        console.print(together_table(results.together, order))
    console.print(classes_table(order[0], results.attacks[order[0]]))
    for name in shown_around_deletions(results.attacks) if results.deletion else ():
        # Where there is something to compare with, deletions are told in the same table.
        if results.compared:
            console.print(*methods_tables(results, name))
        else:
            console.print(deletions_table(results.deletion, name))
    print_forgetting(results, console)
    _print_not_run("did not run", results.not_run, console)
    if results.grouped is not None:
        _print_not_run("did not run on groups", results.grouped.not_run, console)


def print_deletion(results: Results, request: str, console: Console, full: bool = False) -> None:
    """Print what one deletion did to the strongest attack on the original; with ``full`` also to
    the tutorial's, with what is retained and the accuracy.
    """
    found = [entry for entry in results.deletion if entry.request == request]
    if not full:
        print_deleted(found, results, console)
        return
    for name in shown_around_deletions(results.attacks):
        console.print(deletions_table(found, name))


def _print_grouped(grouped: GroupedResult, order: Sequence[str], console: Console) -> None:
    kind = "in groups" if grouped.fitted_on == "grouped" else "of one model each"
    there = [name for name in order if name in grouped.attacks]
    if there:
        model = f"{grouped.groups} groups"
        console.print(attacks_table(model, grouped.attacks, there, f"references {kind}"))
    if grouped.attacks_with_single_shadows is not None:
        console.print(shadows_table(grouped.attacks, grouped.attacks_with_single_shadows, order))


def _print_not_run(title: str, not_run: Mapping[str, str], console: Console) -> None:
    reasons: dict[str, list[str]] = {}
    for name, lack in not_run.items():
        reasons.setdefault(lack, []).append(name)
    for lack, names in reasons.items():
        console.print(f"{title}: {', '.join(names)}: needs {lack}", soft_wrap=True, highlight=False)


def _shadow_data(made: ShadowDataResult) -> str:
    lines = [f"shadow data: {made.source}, {made.records} records"]
    if made.estimated_on is not None:
        lines.append(f"estimated on {made.estimated_on} real records")
    if made.queries:
        lines.append(
            f"{made.queries:,} queries of the target ({made.queries_a_record:.1f} a record)"
        )
    lines.append("'real data' below: the same attack from shadows of real records")
    return "\n".join(lines)
