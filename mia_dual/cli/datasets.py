"""``mia-dual datasets``: which sets there are, and which lie here already."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import typer
from rich.console import Console
from rich.table import Column, Table


def datasets(
    data_dir: Optional[Path] = typer.Option(None, help="Look there too, before the usual places."),
) -> None:
    """List the data sets by name, and say where those that are here already lie."""
    from mia_dual.data.catalog import PUBLISHED
    from mia_dual.data.files import data_folders, locate
    from mia_dual.data.keel import INSTALL, KEEL, PACKAGE, is_installed
    from mia_dual.data.prepared import holds_prepared
    from mia_dual.data.purchases import PRODUCTS

    folders = data_folders(data_dir)
    table = Table("name", "records", "classes", "shape", Column("here", overflow="fold"), "what")
    table.add_row("digits", "1797", "10", "1x8x8", "comes along", "handwritten digits, small")
    table.add_row("purchases", "any", "any", str(PRODUCTS), "drawn here", "synthetic purchases")
    for tabular in KEEL.values():
        place = f"comes with {PACKAGE}" if is_installed() else INSTALL
        table.add_row(
            tabular.name,
            str(tabular.records),
            str(tabular.classes),
            str(tabular.features),
            place,
            tabular.title,
        )
    for name, entry in PUBLISHED.items():
        here = [f"prepared in {folder}" for folder in folders if holds_prepared(name, folder)]
        found = locate(entry, folders)
        if found is not None:
            form, (first, *_) = found
            here.append(f"{form} files in {first.files[0].parent}")
        table.add_row(
            name,
            str(entry.records),
            str(entry.classes),
            "x".join(map(str, entry.shape)),
            ", ".join(here) or "to download",
            entry.title,
        )
    table.add_row("npz", "-", "-", "-", "data.file", "your own: x, y, and x_test, y_test or not")
    Console().print(table)
