"""The results as a notebook shows them: tables, and nothing that runs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from typing import Optional

from mia_dual.report.methods import NOTE, method_rows
from mia_dual.report.results import AttackResult, Results, Success


def as_html(results: Results) -> str:
    """A line on the target, the attacks on it, each deletion's effect, and models to compare it
    with.
    """
    target = results.target
    heading = (
        f"{results.network} on {results.data.name} ({results.backend}), seed {results.seed}: "
        f"accuracy {target.train_accuracy:.3f} on members, {target.test_accuracy:.3f} on "
        "non-members"
    )
    versions = [("original", results.attacks)]
    if results.grouped is not None:
        versions.append((f"{results.grouped.groups} groups", results.grouped.attacks))
    parts = [
        f"<p><b>{escape(heading)}</b></p>",
        _table(
            ("model", "attack", "members", "non-members", "AUC", "95 %", "accuracy", "TPR@.1"),
            (
                (version, name, *_figures(found))
                for version, attacks in versions
                for name, found in attacks.items()
            ),
        ),
    ]
    if results.deletion:
        parts.append(
            _table(
                ("deleted", "method", "attack", "AUC deleted", "AUC retained", "test accuracy"),
                (
                    (
                        f"{deletion.request} ({deletion.deleted})",
                        deletion.method,
                        name,
                        _change(pair.deleted.before.auc, pair.deleted.after.auc),
                        _change(pair.overall.before.auc, pair.overall.after.auc),
                        _change(deletion.test_accuracy_before, deletion.test_accuracy),
                    )
                    for deletion in results.deletion
                    for name, pair in deletion.attacks.items()
                ),
            )
        )
    if results.compared:
        parts.append(f"<p>{escape(f'AUC of the forget set; {NOTE}')}</p>")
        parts.append(
            _table(
                (
                    *("forget set", "model", "made by", "attack", "AUC", "95 %"),
                    *("AUC retained", "test accuracy", "steps"),
                ),
                (
                    (
                        row.request,
                        row.kind,
                        row.method,
                        name,
                        *_auc(row.forgotten),
                        _number(row.retained),
                        _number(row.test_accuracy),
                        f"{row.steps:,}",
                    )
                    for name in results.attacks
                    for row in method_rows(results, name)
                ),
            )
        )
    not_run = [("", results.not_run)]
    if results.grouped is not None:
        not_run.append((" on groups", results.grouped.not_run))
    parts += [
        f"<p>{escape(f'{name} did not run{where}: it needs {lack}')}</p>"
        for where, lacking in not_run
        for name, lack in lacking.items()
    ]
    return f"<div>{''.join(parts)}</div>"


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    def line(cells: Sequence[str], kind: str) -> str:
        return f"<tr>{''.join(f'<{kind}>{escape(cell)}</{kind}>' for cell in cells)}</tr>"

    body = "".join(line(row, "td") for row in rows)
    return f"<table><thead>{line(columns, 'th')}</thead><tbody>{body}</tbody></table>"


def _auc(found: Success) -> list[str]:
    low, high = found.auc_interval or (None, None)
    return [_number(found.auc), f"{_number(low)} to {_number(high)}"]


def _figures(found: AttackResult) -> list[str]:
    return [
        str(found.members),
        str(found.non_members),
        *_auc(found),
        _number(found.accuracy),
        _number(found.tpr_at_fpr.get("0.1")),
    ]


def _change(before: Optional[float], after: Optional[float]) -> str:
    return f"{_number(before)} → {_number(after)}"


def _number(value: Optional[float]) -> str:
    return "–" if value is None else f"{value:.3f}"
