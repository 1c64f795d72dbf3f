"""The plain tables of the terminal, and how they write figures."""

from __future__ import annotations

from typing import Optional

from rich import box
from rich.table import Table


def grid(title: str, *columns: str) -> Table:
    """An empty table of ``columns`` under ``title``.

    Where the terminal is too narrow cells are folded, so that no digit of a figure goes.
    """
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=0)
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def number(value: Optional[float]) -> str:
    """Three places, or a dash."""
    return "-" if value is None else f"{value:.3f}"


def ends(interval: Optional[tuple[float, float]]) -> str:
    """Both ends of an interval, or a dash."""
    return "-" if interval is None else f"{number(interval[0])}-{number(interval[1])}"


def change(before: Optional[float], after: Optional[float]) -> str:
    """Two figures in two places, as ``0.92 > 0.48``."""
    return " > ".join("-" if value is None else f"{value:.2f}" for value in (before, after))
