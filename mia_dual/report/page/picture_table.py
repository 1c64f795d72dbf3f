"""A picture's numbers as the table that the page unfolds; the CSV keeps the columns' own names."""

from __future__ import annotations

from typing import Union

from mia_dual.report.methods import KIND_KEYS
from mia_dual.report.page.phrases import Phrases
from mia_dual.report.page.table import Table
from mia_dual.report.pictures.picture import Picture

MOST_ROWS = 300
"""Of a picture's data that the page unfolds."""

ENDS = {"_low": "column.low_end", "_high": "column.high_end"}
"""Ends of a column's name, where it holds an end of another column's interval."""


def picture_table(picture: Picture, say: Phrases) -> Table:
    """The first rows of ``picture``, under titles in words."""
    rows = picture.rows[:MOST_ROWS]
    keys = list(rows[0]) if rows else []
    return Table(
        say("picture.part", shown=len(rows), count=len(picture.rows))
        if len(rows) < len(picture.rows)
        else "",
        [column_title(key, say) for key in keys],
        [[_cell(key, row.get(key), say) for key in keys] for row in rows],
    )


def column_title(key: str, say: Phrases) -> str:
    """The title of a picture's column; its own name where there are no words for it."""
    title = say.words.get(f"column.{key}")
    if title is not None:
        return title
    for end, phrase in ENDS.items():
        if key.endswith(end):
            return say(phrase, column=column_title(key[: -len(end)], say))
    return key


def _cell(key: str, value: Union[str, int, float, None], say: Phrases) -> str:
    if isinstance(value, str):
        if key == "kind":
            return say(f"kind.{KIND_KEYS[value]}") if value in KIND_KEYS else value
        if key == "method":
            return say.method(value)
        if key == "request":
            return say.request(value)
    return f"{value:.4g}" if isinstance(value, float) else say.value(value)
