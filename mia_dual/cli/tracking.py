"""Trackers told at the end of a command, and the line that says so."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Callable

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from mia_dual.tracking.places import Place
    from mia_dual.tracking.record import Record


def tell_trackers(
    places: Sequence[Place], records: Callable[[], Sequence[Record]], console: Console
) -> None:
    """Tell ``places``, if any, of ``records``, and say what became of each in a line: on
    ``console``, or on standard error, however quiet a command is, where it was not taken.
    """
    from mia_dual.tracking.places import track

    if places:
        for told in track(places, records()):
            if told.whole:
                console.print(told.line, highlight=False, markup=False, soft_wrap=True)
            else:
                typer.echo(told.line, err=True)
