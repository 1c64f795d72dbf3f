"""What is left of forget sets, as tables that fit a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Optional

from rich import box
from rich.console import Console
from rich.table import Table

from mia_dual.report.forgetting import Figure, Forgetting
from mia_dual.report.results import DeletionResult, Results
from mia_dual.report.strength import strongest_around


def print_forgetting(results: Results, console: Console) -> None:
    """Print, for each request, what every method left of it, by the strongest attack.

    Nothing is printed where neither several targets nor models to compare with were trained: what
    is left of the few records of one target, the tables of deletions say.
    """
    requests = dict.fromkeys(entry.request for entry in results.deletion)
    if not results.compared and results.targets == 1:
        return
    for request in requests:
        entries = [
            entry for entry in (*results.deletion, *results.compared) if entry.request == request
        ]
        attack = strongest_around(results, entries)
        if attack is not None:
            console.print(_table(request, entries, attack))
    for line in _explanations(results):
        console.print(line, highlight=False)


def _table(request: str, entries: Sequence[DeletionResult], attack: str) -> Table:
    table = Table(
        title=f"{request}: deleted records against never-seen ones, {attack}",
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=0,
    )
    for column in ("method", "AUC", "95 %", "less ref.", "95 %", "KS p", "U-LiRA", "both", "near"):
        table.add_column(column, overflow="fold")
    for entry in entries:
        table.add_row(*_row(entry, attack))
    return table


def _row(entry: DeletionResult, attack: str) -> Iterator[str]:
    after, found = entry.attacks[attack].deleted.after, entry.forgetting
    traces = found.traces[attack]
    yield entry.method
    yield _number(after.auc)
    yield _ends(after.auc_interval)
    yield from _figure(traces.auc_difference, signed=True)
    yield _number(traces.ks_p)
    yield _number(None if found.per_record is None else found.per_record.pooled.auc.value)
    yield _number(_both(found))
    near = None if found.neighbours is None else found.neighbours.near.difference.value
    yield _number(near, signed=True)


def _both(found: Forgetting) -> Optional[float]:
    """The AUC of the attacker with both versions who does best, as far as he can be fitted."""
    both = found.both_versions
    if both is None:
        return None
    return (both.fall if both.two is None else both.two).auc.value


def _explanations(results: Results) -> Iterator[str]:
    compared = {entry.method for entry in results.compared}
    if "reference" in compared:
        yield (
            "less ref.: the AUC less that on models that never saw these records (reference). KS: "
            "p of a two-sample test of scores."
        )
    if compared - {"reference"}:
        yield (
            "full and grouped delete; the methods below reference do not, and are there to compare."
        )
    yield (
        "U-LiRA: each record told by models of its own. both: the AUC of who holds the version "
        "before as well; exact deletion does not protect from him. near: what the AUC of the "
        "retained records next to deleted ones gained."
    )


def _figure(figure: Figure, signed: bool = False) -> tuple[str, str]:
    return _number(figure.value, signed), _ends(figure.interval, signed)


def _ends(interval: Optional[tuple[float, float]], signed: bool = False) -> str:
    if interval is None:
        return "-"
    low, high = interval
    return f"{_number(low, signed)}..{_number(high, signed)}"


def _number(value: Optional[float], signed: bool = False) -> str:
    """Three places, and no zero before the point, which takes room."""
    if value is None:
        return "-"
    text = f"{value:+.3f}" if signed else f"{value:.3f}"
    return text.replace("0.", ".", 1) if abs(value) < 1 else text
