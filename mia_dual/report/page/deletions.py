"""The page's tables of deletions: what is left of records, and what each method cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional

from mia_dual.report.methods import KIND_KEYS, kind_of
from mia_dual.report.page.phrases import Phrases
from mia_dual.report.page.table import Table
from mia_dual.report.results import DeletionResult, Results, Success
from mia_dual.report.strength import strongest_around

COLUMNS = (
    "request", "method", "kind", "auc_deleted_before", "auc_deleted_after", "auc_retained_before",
    "auc_retained_after", "accuracy_deleted", "accuracy_retained", "accuracy_unseen", "ks",
)  # fmt: skip


def deletion_table(results: Results, say: Phrases) -> Optional[Table]:
    """Deleted, retained and never-seen records before and after, a row a request and method.

    None where no attack ran around all deletions, or nothing was deleted.
    """
    attack = strongest_around(results, (*results.deletion, *results.compared))
    if attack is None:
        return None
    return Table(
        say("deletions.caption", attack=attack),
        [say(f"deletions.{column}") for column in COLUMNS],
        [_row(entry, attack, say) for entry in _by_request(results)],
        [say("deletions.note")],
    )


def cost_table(results: Results, cost: Mapping[str, Any], say: Phrases) -> Optional[Table]:
    """Steps and seconds of each method; ``cost`` is what ``cost.json`` holds. None: no deletion."""
    entries = _by_request(results)
    if not entries:
        return None
    seconds: dict[tuple[str, str], float] = {}
    for one in cost.get("deletion", ()):
        asked = one["request"], one["method"]
        seconds[asked] = seconds.get(asked, 0.0) + one["seconds"]
    full = {entry.request: entry.steps for entry in entries if entry.method == "full"}
    rows = []
    for entry in entries:
        whole = full.get(entry.request)
        groups = say("page.none")
        if entry.groups is not None:
            groups = say("costs.groups_of", count=entry.groups_retrained, all=entry.groups)
        rows.append(
            (
                say("deletions.records", request=say.request(entry.request), count=entry.deleted),
                say.method(entry.method),
                f"{entry.steps:,}",
                say.share(entry.steps / whole if whole else None),
                say.number(seconds.get((entry.request, entry.method)), 1),
                groups,
            )
        )
    titles = [say(f"deletions.{column}") for column in ("request", "method")]
    titles += [say(f"costs.{column}") for column in ("steps", "share", "seconds", "groups")]
    return Table(say("costs.caption"), titles, rows)


def _by_request(results: Results) -> list[DeletionResult]:
    entries = [*results.deletion, *results.compared]
    order = list(dict.fromkeys(entry.request for entry in entries))
    return sorted(entries, key=lambda entry: order.index(entry.request))


def _row(entry: DeletionResult, attack: str, say: Phrases) -> tuple[str, ...]:
    deleted, retained = entry.attacks[attack].deleted, entry.attacks[attack].overall
    return (
        say("deletions.records", request=say.request(entry.request), count=entry.deleted),
        say.method(entry.method),
        say(f"kind.{KIND_KEYS[kind_of(entry.method)]}"),
        _auc(deleted.before, say),
        _auc(deleted.after, say),
        _auc(retained.before, say),
        _auc(retained.after, say),
        say.change(entry.deleted_accuracy_before, entry.deleted_accuracy),
        say.change(entry.train_accuracy_before, entry.train_accuracy),
        say.change(entry.test_accuracy_before, entry.test_accuracy),
        say.number(entry.forgetting.traces[attack].ks_p),
    )


def _auc(found: Success, say: Phrases) -> str:
    return f"{say.number(found.auc)}\n({say.ends(found.auc_interval)})"
