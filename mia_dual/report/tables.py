"""The results as tables that fit a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Optional

from rich import box
from rich.console import Console
from rich.table import Table

from mia_dual.report.forgetting_table import print_forgetting
from mia_dual.report.methods import NOTE, method_rows
from mia_dual.report.results import (
    AttackResult,
    BeforeAfter,
    DeletionResult,
    GroupedResult,
    Results,
    ShadowDataResult,
    Success,
    Together,
)
from mia_dual.report.strength import by_strength, shown_around_deletions

MOST_TOGETHER = 6
"""Attacks that are set beside the strongest in the terminal; ``results.json`` has all pairs."""


def print_results(results: Results, console: Console) -> None:
    """Print what a run found: the target, the attacks by strength, the strongest per class, and
    what deletions did to the strongest of each kind, beside what they are compared with.
    """
    several = f"{results.targets} targets: " if results.targets > 1 else ""
    console.print(
        f"\n{several}{results.network} on {results.data.name} ({results.backend}): accuracy "
        f"{_number(results.target.train_accuracy)} on members, "
        f"{_number(results.target.test_accuracy)} on non-members",
        soft_wrap=True,
        markup=False,
    )
    if results.shadow_data is not None:
        console.print(_shadow_data(results.shadow_data), soft_wrap=True)
    order = by_strength(results.attacks)
    console.print(_attacks("original", results.attacks, order))
    if results.shadow_data is not None:
        console.print(_attacks("real shadow data", results.shadow_data.attacks_with_real, order))
    if results.grouped is not None:
        _print_grouped(results.grouped, order, console)
    if results.together is not None:
        console.print(_together(results.together, order))
    console.print(_per_class(order[0], results.attacks[order[0]]))
    for name in shown_around_deletions(results.attacks) if results.deletion else ():
        # Where there is something to compare with, deletions are told in the same table.
        if results.compared:
            console.print(*_methods(results, name))
        else:
            console.print(_deletions(results.deletion, name))
    print_forgetting(results, console)
    _print_not_run("did not run", results.not_run, console)
    if results.grouped is not None:
        _print_not_run("did not run on groups", results.grouped.not_run, console)


def print_deletion(results: Results, request: str, console: Console) -> None:
    """Print what one deletion did to the strongest attack on the original."""
    found = [entry for entry in results.deletion if entry.request == request]
    strongest = by_strength(results.attacks)[0]
    console.print(_deletions(found, strongest))


def _print_grouped(grouped: GroupedResult, order: Sequence[str], console: Console) -> None:
    kind = "in groups" if grouped.fitted_on == "grouped" else "of one model each"
    there = [name for name in order if name in grouped.attacks]
    if there:
        model = f"{grouped.groups} groups"
        console.print(_attacks(model, grouped.attacks, there, f"references {kind}"))
    if grouped.attacks_with_single_shadows is not None:
        console.print(_shadows_beside(grouped.attacks, grouped.attacks_with_single_shadows, order))


def _print_not_run(title: str, not_run: Mapping[str, str], console: Console) -> None:
    reasons: dict[str, list[str]] = {}
    for name, lack in not_run.items():
        reasons.setdefault(lack, []).append(name)
    for lack, names in reasons.items():
        console.print(f"{title}: {', '.join(names)}: needs {lack}", soft_wrap=True, highlight=False)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0)
    for column in columns:
        table.add_column(column, no_wrap=True)
    return table


def _attacks(
    model: str,
    attacks: Mapping[str, AttackResult],
    order: Sequence[str],
    references: str = "references",
) -> Table:
    any_attack = next(iter(attacks.values()))
    table = _table(
        f"Attacks on {any_attack.members} members and {any_attack.non_members} non-members, "
        f"{model}",
        "attack", "AUC", "95 %", "TPR@.1", "TPR@.01", "95 %", "FPR",
    )  # fmt: skip
    for name in order:
        found = attacks[name]
        table.add_row(
            name,
            _number(found.auc),
            _interval(found.auc_interval),
            _number(found.tpr_at_fpr["0.1"]),
            _number(found.tpr_at_fpr["0.01"]),
            _interval(found.tpr_interval["0.01"]),
            _accused(found),
        )
    table.caption = f"FPR: what thresholds fitted on {references} to accuse .1 accuse here"
    table.caption_justify = "left"
    return table


def _shadows_beside(
    in_groups: Mapping[str, AttackResult], single: Mapping[str, AttackResult], order: Sequence[str]
) -> Table:
    """The same attacks on groups by the shadows that they learnt from."""
    table = _table(
        "Attacks on groups, by shadows in groups and by single ones",
        "attack", "AUC", "single", "accuracy", "single", "FPR", "single",
    )  # fmt: skip
    for name in [name for name in order if name in single]:
        ours, theirs = in_groups.get(name), single[name]
        table.add_row(
            name,
            _number(None if ours is None else ours.auc),
            _number(theirs.auc),
            _number(None if ours is None else ours.accuracy),
            _number(theirs.accuracy),
            "-" if ours is None else _accused(ours),
            _accused(theirs),
        )
    return table


def _accused(found: AttackResult) -> str:
    """The false-positive rate of the threshold that was to give .1."""
    return next((_number(one.fpr) for one in found.decisions if one.aimed_fpr == 0.1), "-")


def _together(together: Together, order: Sequence[str]) -> Table:
    """The strongest attacks, which members each finds beside the strongest, and all together."""
    table = _table(
        f"Members found at a false-positive rate of {together.fpr:g} by each, beside {order[0]}",
        "attack", "found", "by both", "only this", "Jaccard", "ever", "always",
    )  # fmt: skip
    beside = {
        (pair.second if pair.first == order[0] else pair.first): pair
        for pair in together.pairs
        if order[0] in (pair.first, pair.second)
    }
    for name in [name for name in order if name in together.attacks][:MOST_TOGETHER]:
        found, pair = together.attacks[name], beside.get(name)
        both = found.found if pair is None else pair.both
        table.add_row(
            name,
            str(found.found),
            str(both),
            str(found.found - both),
            _number(None if pair is None else pair.jaccard),
            "-" if found.ever is None else str(found.ever),
            "-" if found.always is None else str(found.always),
        )
    table.caption = (
        f"all attacks together find {_number(together.union_tpr)} of members and accuse "
        f"{_number(together.union_fpr)} of the others; held to {together.fpr:g}, they find "
        f"{_number(together.union_matched_tpr)}, the best alone {_number(together.best_tpr)}"
    )
    table.caption_justify = "left"
    return table


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


def _per_class(name: str, attack: AttackResult) -> Table:
    table = _table(
        f"{name} on the original model, per class",
        "class", "support", "AUC", "95 %", "acc.", "prec.", "rec.", "F1", "TPR@.1",
    )  # fmt: skip
    for row in attack.per_class:
        support = f"{row.members} + {row.non_members}"
        table.add_row(str(row.label), support, *_success(row))
    return table


def _deletions(deletions: Sequence[DeletionResult], name: str) -> Table:
    table = _table(
        f"{name}: success before > after deletion",
        "deleted", "method", "retrained", "AUC deleted", "AUC retained", "test acc.",
    )  # fmt: skip
    for entry in [entry for entry in deletions if name in entry.attacks]:
        attack = entry.attacks[name]
        table.add_row(
            f"{entry.request} ({entry.deleted})",
            entry.method,
            "all" if entry.groups is None else f"{entry.groups_retrained} of {entry.groups}",
            _change(attack.deleted, "auc"),
            _change(attack.overall, "auc"),
            _pair(entry.test_accuracy_before, entry.test_accuracy),
        )
    return table


def _methods(results: Results, name: str) -> Iterator[Table]:
    """For each request, deletions and what they are compared with in one table."""
    rows = method_rows(results, name)
    for request in dict.fromkeys(row.request for row in rows):
        table = _table(
            f"{name}: AUC of the forget set, {request}",
            "model", "made by", "AUC", "95 %", "retained", "test acc.", "steps",
        )  # fmt: skip
        for row in rows:
            if row.request == request:
                table.add_row(
                    row.kind,
                    row.method,
                    _number(row.forgotten.auc),
                    _interval(row.forgotten.auc_interval),
                    _number(row.retained),
                    _number(row.test_accuracy),
                    f"{row.steps:,}",
                )
        table.caption = NOTE
        table.caption_justify = "left"
        yield table


def _success(success: Success) -> list[str]:
    return [
        _number(success.auc),
        _interval(success.auc_interval),
        _number(success.accuracy),
        _number(success.precision),
        _number(success.recall),
        _number(success.f1),
        _number(success.tpr_at_fpr["0.1"]),
    ]


def _interval(ends: Optional[tuple[float, float]]) -> str:
    return "-" if ends is None else f"{_number(ends[0])}-{_number(ends[1])}"


def _change(pair: BeforeAfter, field: str) -> str:
    return _pair(getattr(pair.before, field), getattr(pair.after, field))


def _pair(before: Optional[float], after: Optional[float]) -> str:
    return " > ".join("-" if value is None else f"{value:.2f}" for value in (before, after))


def _number(value: Optional[float]) -> str:
    return "-" if value is None else f"{value:.3f}"
