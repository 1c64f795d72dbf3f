"""The page's table of attacks, the strongest first."""

from __future__ import annotations

from mia_dual.report.page.phrases import Phrases
from mia_dual.report.page.table import Table
from mia_dual.report.results import Results
from mia_dual.report.strength import by_strength


def attack_table(results: Results, say: Phrases) -> Table:
    """Every attack that ran on the target, and below it the names of those that could not."""
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
    lacking = list(results.not_run)
    return Table(
        say("attacks.caption", members=first.members, others=first.non_members),
        [say(f"attacks.{column}") for column in columns],
        rows,
        [say("attacks.not_run", names=say.joined(lacking))] if lacking else [],
    )
