"""The page's table of attacks on the ensemble of groups, beside those on one model."""

from __future__ import annotations

from typing import Optional

from mia_dual.report.page.attacks import notes_on_lacking
from mia_dual.report.page.phrases import Phrases
from mia_dual.report.page.table import Table
from mia_dual.report.results import AttackResult, Results
from mia_dual.report.strength import by_strength, rate_told


def groups_table(results: Results, say: Phrases) -> Optional[Table]:
    """Each attack on one model and on groups before anything was deleted, the strongest on one
    model first, and below it which shadows the attacks on groups learnt from.

    Where attacks on groups also learnt from shadows of one model each, with the figures of these.
    None where there are no groups.
    """
    grouped = results.grouped
    if grouped is None:
        return None
    rate = rate_told(results.attacks)
    sides = [("one", results.attacks), ("groups", grouped.attacks)]
    if grouped.attacks_with_single_shadows is not None:
        sides.append(("single", grouped.attacks_with_single_shadows))
    columns = [say("attacks.attack")]
    for side, _ in sides:
        if rate is not None:
            columns.append(say(f"groups.found_{side}", rate=say.rate(float(rate))))
        columns.append(say(f"groups.auc_{side}"))
    rows = []
    for name in by_strength(results.attacks):
        if name in grouped.attacks:
            cells = [cell for _, found in sides for cell in _cells(found.get(name), rate, say)]
            rows.append((name, *cells))
    notes = [say(f"groups.fitted_{grouped.fitted_on}")]
    if grouped.attacks_with_single_shadows is not None:
        notes.append(say("groups.both"))
    return Table(
        say(
            "groups.caption",
            groups=grouped.groups,
            train=say.share(grouped.train_accuracy),
            test=say.share(grouped.test_accuracy),
            train_one=say.share(results.target.train_accuracy),
            test_one=say.share(results.target.test_accuracy),
        ),
        columns,
        rows,
        [*notes, *notes_on_lacking(grouped.not_run, say)],
    )


def _cells(found: Optional[AttackResult], rate: Optional[str], say: Phrases) -> list[str]:
    """Members found at ``rate`` where there is one, and the AUC, each with its interval below."""
    if found is None:
        return [say("page.none")] * (1 if rate is None else 2)
    auc = f"{say.number(found.auc)}\n({say.ends(found.auc_interval)})"
    if rate is None:
        return [auc]
    interval = say.ends(found.tpr_interval[rate], shares=True)
    return [f"{say.share(found.tpr_at_fpr[rate])}\n({interval})", auc]
