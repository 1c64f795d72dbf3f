"""Attacks as tables that fit a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.table import Table

from mia_dual.report.grid import ends, grid, number
from mia_dual.report.results import AttackResult, Success, Together

MOST_TOGETHER = 6
"""Attacks that are set beside the strongest in the terminal; ``results.json`` has all pairs."""


def attacks_table(
    model: str,
    attacks: Mapping[str, AttackResult],
    order: Sequence[str],
    references: str = "references",
) -> Table:
    """A table of ``attacks`` on ``model`` in ``order``, with what their thresholds do that were
    fitted on ``references``.
    """
    any_attack = next(iter(attacks.values()))
    table = grid(
        f"Attacks on {any_attack.members} members and {any_attack.non_members} non-members, "
        f"{model}",
        "attack", "AUC", "95 %", "TPR@.1", "TPR@.01", "95 %", "FPR",
    )  # fmt: skip
    for name in order:
        found = attacks[name]
        table.add_row(
            name,
            number(found.auc),
            ends(found.auc_interval),
            number(found.tpr_at_fpr["0.1"]),
            number(found.tpr_at_fpr["0.01"]),
            ends(found.tpr_interval["0.01"]),
            _accused(found),
        )
    table.caption = f"FPR: what thresholds fitted on {references} to accuse .1 accuse here"
    table.caption_justify = "left"
    return table


def shadows_table(
    in_groups: Mapping[str, AttackResult], single: Mapping[str, AttackResult], order: Sequence[str]
) -> Table:
    """The same attacks on groups by the shadows that they learnt from."""
    table = grid(
        "Attacks on groups, by shadows in groups and by single ones",
        "attack", "AUC", "single", "accuracy", "single", "FPR", "single",
    )  # fmt: skip
    for name in [name for name in order if name in single]:
        ours, theirs = in_groups.get(name), single[name]
        table.add_row(
            name,
            number(None if ours is None else ours.auc),
            number(theirs.auc),
            number(None if ours is None else ours.accuracy),
            number(theirs.accuracy),
            "-" if ours is None else _accused(ours),
            _accused(theirs),
        )
    return table


def _accused(found: AttackResult) -> str:
    """The false-positive rate of the threshold that was to give .1."""
    return next((number(one.fpr) for one in found.decisions if one.aimed_fpr == 0.1), "-")


def together_table(together: Together, order: Sequence[str]) -> Table:
    """The strongest attacks, which members each finds beside the strongest, and all together."""
    table = grid(
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
            number(None if pair is None else pair.jaccard),
            "-" if found.ever is None else str(found.ever),
            "-" if found.always is None else str(found.always),
        )
    table.caption = (
        f"all attacks together find {number(together.union_tpr)} of members and accuse "
        f"{number(together.union_fpr)} of the others; held to {together.fpr:g}, they find "
        f"{number(together.union_matched_tpr)}, the best alone {number(together.best_tpr)}"
    )
    table.caption_justify = "left"
    return table


def classes_table(name: str, attack: AttackResult) -> Table:
    """What attack ``name`` does to each class."""
    table = grid(
        f"{name} on the original model, per class",
        "class", "support", "AUC", "95 %", "acc.", "prec.", "rec.", "F1", "TPR@.1",
    )  # fmt: skip
    for row in attack.per_class:
        support = f"{row.members} + {row.non_members}"
        table.add_row(str(row.label), support, *_success(row))
    return table


def _success(success: Success) -> list[str]:
    return [
        number(success.auc),
        ends(success.auc_interval),
        number(success.accuracy),
        number(success.precision),
        number(success.recall),
        number(success.f1),
        number(success.tpr_at_fpr["0.1"]),
    ]
