"""A comparison as tables that fit a terminal of 80 columns."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import Optional

from rich import box
from rich.console import Console
from rich.table import Table

from mia_dual.quoting import quoted
from mia_dual.report.comparison import (
    AttackComparison,
    Comparison,
    Difference,
    LogitParting,
    PairComparison,
    Parting,
    Setting,
)


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Print each pair: what differs, the figures side by side, and a sentence an attack."""
    for pair in comparison.pairs:
        _print_pair(pair, console)


def verdicts_line(comparison: Comparison) -> str:
    """How many attacks the verdicts find the same, to agree, or to differ, over all pairs."""
    found = Counter(attack.verdict.found for pair in comparison.pairs for attack in pair.attacks)
    counts = ", ".join(f"{count} {verdict}" for verdict, count in found.most_common())
    return f"{sum(found.values())} comparisons of an attack: {counts}"


def _print_pair(pair: PairComparison, console: Console) -> None:
    def say(text: str) -> None:
        console.print(text, soft_wrap=True, highlight=False, markup=False)

    say(f"\n{pair.second.path} against {pair.first.path}")
    _say_settings(console, "config", pair.config)
    _say_settings(console, "environment", pair.environment)
    for line in pair.left_out:
        say(f"left out: {line}")
    console.print(_accuracies(pair))
    for attack in pair.attacks:
        console.print(_attack(attack))
    console.print(_agreement(pair))
    if pair.weights or pair.logits:
        console.print(_parted(pair.weights, pair.logits))
    say(
        "* The interval of the difference (95 %, over records) does not hold zero; one of twenty "
        "does not by chance. It says what other records would change, not what training again "
        "would.\n"
    )
    for what, partings in (("weights", pair.weights), ("logits", pair.logits)):
        if partings:
            say(f"{what}: {_furthest(partings)}")
    for attack in pair.attacks:
        say(f"{attack.attack}: {attack.verdict.sentence}")


def _say_settings(console: Console, what: str, settings: Sequence[Setting]) -> None:
    if not settings:
        console.print(f"{what}: the same", highlight=False)
    for setting in settings:
        line = f"{what}: {setting.key} is {quoted(setting.first)} and {quoted(setting.second)}"
        console.print(line, soft_wrap=True, highlight=False, markup=False)


def _accuracies(pair: PairComparison) -> Table:
    table = _table("Accuracy", "place", "first", "second", "diff.", "95 %")
    for found in pair.accuracies:
        table.add_row(found.place, *_difference(found.accuracy))
    return table


def _attack(attack: AttackComparison) -> Table:
    table = _table(attack.attack, "place", "AUC", "second", "diff.", "95 %", "also *")
    for place in attack.places:
        others = [
            name
            for name, figure in place.figures.items()
            if name != "auc" and figure.holds_zero is False
        ]
        table.add_row(place.place, *_difference(place.figures["auc"]), ", ".join(others))
    return table


def _agreement(pair: PairComparison) -> Table:
    table = _table(
        "Scores by record", "attack", "version", "records", "Spearman", "largest", "sides"
    )
    for attack in pair.attacks:
        for found in attack.agreement:
            table.add_row(
                _short(attack.attack),
                found.version,
                str(found.records),
                _number(found.spearman, "{:.4f}"),
                _number(found.largest, "{:.2g}"),
                str(found.changed_sides),
            )
    return table


def _parted(weights: Sequence[Parting], logits: Sequence[LogitParting]) -> Table:
    table = _table(
        "Since they began equal", "of", "role", "models", "largest", "median", "of size", "other"
    )
    for what, partings in (("weights", weights), ("logits", logits)):
        for found in partings:
            decided = ""
            if isinstance(found, LogitParting):
                decided = f"{found.decided_otherwise} of {found.answers}"
            table.add_row(
                what,
                found.role,
                str(found.models),
                _number(found.largest, "{:.2g}"),
                _number(found.median, "{:.2g}"),
                _number(found.size, "{:.2g}"),
                decided,
            )
    return table


def _furthest(partings: Sequence[Parting]) -> str:
    found = max(
        partings, key=lambda parting: math.inf if parting.largest is None else parting.largest
    )
    models = sum(parting.models for parting in partings)
    if found.largest == 0:
        return f"equal, number for number, in all {models} models."
    largest = "without bound" if found.largest is None else f"by {found.largest:.2g}"
    return f"parted most {largest}, at {found.where} of {models} models."


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _short(attack: str) -> str:
    return attack.removeprefix("shadow_")


def _difference(found: Difference) -> list[str]:
    interval = found.interval
    star = "*" if found.holds_zero is False else ""
    return [
        _number(found.first, "{:.3f}"),
        _number(found.second, "{:.3f}"),
        _number(found.difference, "{:+.3f}") + star,
        "-" if interval is None else f"{interval[0]:+.3f} to {interval[1]:+.3f}",
    ]


def _number(value: Optional[float], form: str) -> str:
    return "-" if value is None else form.format(value)
