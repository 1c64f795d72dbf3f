"""``mia-dual datasets``: which sets there are, and which lie here already."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import typer
from rich.console import Console
from rich.table import Table


def datasets(
    data_dir: Optional[Path] = typer.Option(None, help="Look there too, before the usual places."),
) -> None:
    """List the data sets by name, and say where those that are here already lie."""
    from mia_dual.data.catalog import PUBLISHED
    from mia_dual.data.files import is_present

    table = Table("name", "records", "classes", "shape", "here", "what")
    table.add_row("digits", "1797", "10", "1x8x8", "comes along", "handwritten digits, small")
    for name, entry in PUBLISHED.items():
        places = {form: is_present(entry, form, data_dir) for form in entry.forms}
        here = ", ".join(
            f"{form} form in {place}".removeprefix(" form in ")
            for form, place in places.items()
            if place is not None
        )
        table.add_row(
            name,
            str(entry.records),
            str(entry.classes),
            "x".join(map(str, entry.shape)),
            here or "to download",
            entry.title,
        )
    table.add_row("npz", "-", "-", "-", "data.file", "your own: x, y, and x_test, y_test or not")
    Console().print(table)
