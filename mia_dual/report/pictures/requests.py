"""Requests and methods listed beside pictures: deletions, and what is set against them."""

from __future__ import annotations

from collections.abc import Sequence

from mia_dual.report.methods import kind_of
from mia_dual.report.names import method_in_words, request_in_words
from mia_dual.report.pictures.picture import Row, Theme
from mia_dual.report.pictures.sheet import Sheet
from mia_dual.report.results import DeletionResult, Results

MOST_REQUESTS = 12
"""The last so many: a ledger may hold hundreds, and a page shows what was asked last."""


def entries_shown(results: Results) -> list[DeletionResult]:
    """Deletions and what they are compared with, request by request, the last requests alone."""
    entries = [*results.deletion, *results.compared]
    requests = list(dict.fromkeys(entry.request for entry in entries))[-MOST_REQUESTS:]
    return [entry for request in requests for entry in entries if entry.request == request]


def entry_row(entry: DeletionResult) -> Row:
    """What a row of any picture of deletions begins with."""
    return {
        "request": entry.request,
        "records": entry.deleted,
        "method": entry.method,
        "kind": kind_of(entry.method),
    }


def list_requests(drawn: Sheet, rows: Sequence[Row]) -> list[int]:
    """Put each request and, under it, the methods of ``rows`` beside the first panel; gives the
    place of each row.

    What only approximates deletion is marked as such.
    """
    names: list[str] = []
    places, headings, last = [], [], None
    for row in rows:
        if row["request"] != last:
            last = row["request"]
            headings.append(len(names))
            request = request_in_words(str(row["request"]), drawn.words)
            records = str(row["records"])
            names.append(drawn.words["deletion.request"].format(request=request, records=records))
        places.append(len(names))
        method = method_in_words(str(row["method"]), drawn.words)
        if row["kind"] == "approximate":
            method = drawn.words["deletion.approximate"].format(method=method)
        names.append(method)
    drawn.list_names(names, headings)
    return places


def marker_of(row: Row) -> str:
    """A deletion is a circle, models that never saw the forget set a square, and what only
    approximates deletion a cross.
    """
    return {"deletion": "o", "never saw it": "s"}.get(str(row["kind"]), "X")


def colour_of(row: Row, theme: Theme) -> str:
    """One colour for what only approximates deletion, another for the rest."""
    return theme.colours[1 if row["kind"] == "approximate" else 0]
