"""``mia-dual doctor``: what works here, and what to install for what does not."""

from __future__ import annotations

import typer

from mia_dual.cli.options import JSON, QUIET


def doctor(quiet: bool = QUIET, as_json: bool = JSON) -> None:
    """Try every backend on every device it finds; say what to install for the rest."""
    from dataclasses import asdict

    from rich.markup import escape
    from rich.table import Table

    from mia_dual.cli.telling import Telling
    from mia_dual.measure.checkup import examine
    from mia_dual.registry import backend_names

    telling = Telling(quiet, as_json)
    table = Table("backend", "device", "version", "works")
    found = []
    for name in backend_names():
        for finding in examine(name):
            found.append({"backend": name, **asdict(finding)})
            table.add_row(
                name,
                finding.device,
                finding.version,
                "[green]yes[/]" if finding.works else f"[red]no[/]: {escape(finding.remedy)}",
            )
    telling.console.print(table)
    working = [f"{one['backend']} on {one['device']}" for one in found if one["works"]]
    telling.end(f"works here: {', '.join(working) or 'none'}", lambda: found)
    if not working:
        raise typer.Exit(2)
