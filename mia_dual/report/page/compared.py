"""What the page says of several runs: what differs between each and the first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mia_dual.report.comparison import AttackComparison, Comparison, PairComparison
from mia_dual.report.page.phrases import Phrases
from mia_dual.report.page.table import Table


@dataclass(frozen=True)
class Pair:
    """A run against the first: ``notes`` on what cannot be compared, and what was set otherwise
    (``settings``; None where nothing was).
    """

    title: str
    attacks: Table
    notes: tuple[str, ...]
    settings: Table | None


def pairs_of(comparison: Comparison, say: Phrases) -> list[Pair]:
    """Every pair of ``comparison``."""
    return [_pair(pair, say) for pair in comparison.pairs]


def _pair(pair: PairComparison, say: Phrases) -> Pair:
    differing = [*pair.config, *pair.environment]
    columns = ("attack", "found", "first", "second", "difference")
    return Pair(
        say("compared.pair", first=pair.first.path, second=pair.second.path),
        Table(
            say("compared.caption"),
            [say(f"compared.{column}") for column in columns],
            [row for attack in pair.attacks for row in _rows(attack, say)],
        ),
        () if pair.same_split else (say("compared.other_members"),),
        Table(
            say("compared.settings"),
            [say("compared.key"), pair.first.path, pair.second.path],
            [(one.key, say.value(one.first), say.value(one.second)) for one in differing],
        )
        if differing
        else None,
    )


def _rows(attack: AttackComparison, say: Phrases) -> Sequence[tuple[str, ...]]:
    place = next((one for one in attack.places if one.place == "original"), None)
    if place is None:
        return []
    auc, verdict = place.figures["auc"], attack.verdict
    found = say(
        f"compared.{verdict.found}",
        figure="" if verdict.figure is None else say(f"compared.figure_{verdict.figure}"),
        place="" if verdict.place is None else say.place(verdict.place),
    )
    measured = say.number(auc.difference)
    if auc.interval is not None:
        measured = f"{measured} ({say.ends(auc.interval)})"
    return [(attack.attack, found, say.number(auc.first), say.number(auc.second), measured)]
