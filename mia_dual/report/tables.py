"""The results as tables on a terminal."""

from __future__ import annotations

from typing import Optional

from rich.console import Console
from rich.table import Table

from mia_dual.report.results import AttackResult, BeforeAfter, Results, Success


def print_results(results: Results, console: Console) -> None:
    """Print what a run found: the target, each attack per class, and every deletion."""
    console.print(
        f"{results.network} on {results.data.name} ({results.backend}): "
        f"accuracy {_number(results.target.train_accuracy)} on members, "
        f"{_number(results.target.test_accuracy)} on non-members"
    )
    console.print(_attacks(results))
    for name, attack in results.attacks.items():
        console.print(_per_class(name, attack))
    if results.deletion:
        console.print(_deletions(results))


def _attacks(results: Results) -> Table:
    table = Table(
        "model", "attack", "AUC", "95 %", "accuracy", "precision", "recall", "F1",
        "TPR at 10 % FPR", "records",
        title="Attack on the models as trained first",
    )  # fmt: skip
    for name, attack in results.attacks.items():
        table.add_row("original", name, *_success(attack))
    if results.grouped is not None:
        for name, attack in results.grouped.attacks.items():
            table.add_row(f"{results.grouped.groups} groups", name, *_success(attack))
    return table


def _per_class(name: str, attack: AttackResult) -> Table:
    table = Table(
        "class", "AUC", "95 %", "accuracy", "precision", "recall", "F1", "TPR at 10 % FPR",
        "records",
        title=f"{name} on the original model, per class",
    )  # fmt: skip
    for row in attack.per_class:
        table.add_row(str(row.label), *_success(row))
    return table


def _deletions(results: Results) -> Table:
    table = Table(
        "deleted", "method", "attack", "records", "AUC on deleted", "accuracy on deleted",
        "AUC on retained", "accuracy on retained", "test accuracy", "retrained", "steps",
        title="Deletion, before -> after; deleted records attacked like any other",
    )  # fmt: skip
    for entry in results.deletion:
        retrained = (
            "all" if entry.groups is None else f"{entry.groups_retrained} of {entry.groups} groups"
        )
        for name, attack in entry.attacks.items():
            table.add_row(
                f"{entry.request} ({entry.deleted})",
                entry.method,
                name,
                f"{attack.deleted.after.members} + {attack.deleted.after.non_members}",
                _change(attack.deleted, "auc"),
                _change(attack.deleted, "accuracy"),
                _change(attack.overall, "auc"),
                _change(attack.overall, "accuracy"),
                f"{_number(entry.test_accuracy_before)} -> {_number(entry.test_accuracy)}",
                retrained,
                str(entry.steps),
            )
    return table


def _success(success: Success) -> list[str]:
    interval = success.auc_interval
    return [
        _number(success.auc),
        "-" if interval is None else f"{_number(interval[0])}-{_number(interval[1])}",
        _number(success.accuracy),
        _number(success.precision),
        _number(success.recall),
        _number(success.f1),
        _number(success.tpr_at_fpr["0.1"]),
        f"{success.members} + {success.non_members}",
    ]


def _change(pair: BeforeAfter, field: str) -> str:
    return f"{_number(getattr(pair.before, field))} -> {_number(getattr(pair.after, field))}"


def _number(value: Optional[float]) -> str:
    return "-" if value is None else f"{value:.3f}"
