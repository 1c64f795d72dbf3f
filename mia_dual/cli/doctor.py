"""``mia-dual doctor``: what works here, and what to install for what does not."""

from __future__ import annotations

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table


def doctor() -> None:
    """Try every backend on every device it finds; say what to install for the rest."""
    from mia_dual.measure.checkup import examine
    from mia_dual.registry import backend_names

    table = Table("backend", "device", "version", "works")
    working = False
    for name in backend_names():
        for finding in examine(name):
            working = working or finding.works
            table.add_row(
                name,
                finding.device,
                finding.version,
                "[green]yes[/]" if finding.works else f"[red]no[/]: {escape(finding.remedy)}",
            )
    Console().print(table)
    if not working:
        raise typer.Exit(2)
