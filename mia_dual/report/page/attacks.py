"""The page's table of attacks, the strongest first."""

from __future__ import annotations

from collections.abc import Mapping

from mia_dual.report.names import needs_in_words
from mia_dual.report.page.phrases import Phrases
from mia_dual.report.page.table import Table
from mia_dual.report.results import Results
from mia_dual.report.strength import by_strength


def attack_table(results: Results, say: Phrases) -> Table:
    """Every attack that ran on the target, and below it what those lack that could not."""
    columns = ("attack", "what", "tpr", "interval", "tpr10", "auc", "interval", "epsilon")
    rows = []
    for name in by_strength(results.attacks):
        found = results.attacks[name]
        rows.append(
            (
                name,
                say.attack(name),
                say.share(found.tpr_at_fpr["0.01"]),
                say.ends(found.tpr_interval["0.01"], shares=True),
                say.share(found.tpr_at_fpr["0.1"]),
                say.number(found.auc),
                say.ends(found.auc_interval),
                say.number(found.epsilon, 2),
            )
        )
    first = next(iter(results.attacks.values()))
    return Table(
        say("attacks.caption", members=first.members, others=first.non_members),
        [say(f"attacks.{column}") for column in columns],
        rows,
        notes_on_lacking(results.not_run, say),
    )


def notes_on_lacking(not_run: Mapping[str, str], say: Phrases) -> list[str]:
    """What attacks that did not run lack, those that lack the same in one sentence."""
    alike: dict[tuple[str, ...], list[str]] = {}
    for name, reason in not_run.items():
        alike.setdefault(tuple(needs_in_words(reason, say.words)), []).append(name)
    return [
        say("attacks.not_run", names=say.joined(names), needs=say.joined(list(needs)))
        if needs
        else say("attacks.not_run_here", names=say.joined(names))
        for needs, names in alike.items()
    ]
