"""``mia-dual datasets``: which sets there are, and which lie here already."""

from __future__ import annotations

from pathlib import Path
from typing import Optional

import typer

from mia_dual.cli.options import JSON, QUIET

TO_DOWNLOAD = "to download"


def datasets(
    data_dir: Optional[Path] = typer.Option(None, help="Look there too, before the usual places."),
    quiet: bool = QUIET,
    as_json: bool = JSON,
) -> None:
    """List the data sets by name, and say where those that are here already lie."""
    from rich import box
    from rich.table import Column, Table

    from mia_dual.cli.telling import Telling
    from mia_dual.data.catalog import PUBLISHED
    from mia_dual.data.files import data_folders, locate
    from mia_dual.data.keel import INSTALL, KEEL, PACKAGE, is_installed
    from mia_dual.data.prepared import holds_prepared
    from mia_dual.data.purchases import PRODUCTS

    telling = Telling(quiet, as_json)
    folders = data_folders(data_dir)
    rows = [
        ("digits", "1797", "10", "1x8x8", "comes along", "handwritten digits, small"),
        ("purchases", "any", "any", str(PRODUCTS), "drawn here", "synthetic purchases"),
    ]
    for tabular in KEEL.values():
        place = f"comes with {PACKAGE}" if is_installed() else INSTALL
        records, classes = str(tabular.records), str(tabular.classes)
        rows.append((tabular.name, records, classes, str(tabular.features), place, tabular.title))
    for name, entry in PUBLISHED.items():
        here = [f"prepared in {folder}" for folder in folders if holds_prepared(name, folder)]
        found = locate(entry, folders)
        if found is not None:
            form, (first, *_) = found
            here.append(f"{form} files in {first.files[0].parent}")
        shape = "x".join(map(str, entry.shape))
        place = ", ".join(here) or TO_DOWNLOAD
        rows.append((name, str(entry.records), str(entry.classes), shape, place, entry.title))
    rows.append(("npz", "-", "-", "-", "data.file", "your own: x, y, and x_test, y_test or not"))
    titles = ("name", "records", "classes", "shape", "here", "what")
    # Names and counts stay in one piece where the terminal is narrow.
    columns = (Column(title, overflow="fold", no_wrap=title not in titles[4:]) for title in titles)
    table = Table(*columns, box=box.SIMPLE_HEAD, padding=0)
    for row in rows:
        table.add_row(*row)
    telling.console.print(table)
    lacking = [name for name, _, _, _, place, _ in rows if place in (TO_DOWNLOAD, INSTALL)]
    telling.end(
        f"{len(rows)} names for data.name; not here yet: {', '.join(lacking) or 'none'}",
        lambda: [dict(zip(titles, row)) for row in rows],
    )
