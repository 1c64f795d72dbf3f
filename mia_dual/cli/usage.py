"""What cannot be read of a command line, as one line."""

from __future__ import annotations

from typing import Any, NoReturn

import typer

from mia_dual.cli.guard import BAD_INPUT
from mia_dual.quoting import one_line

UsageError: Any = typer.BadParameter.__bases__[0]
"""Of which every such error is one. Typer does not name it, and brings Click along or asks for it
as its version pleases.
"""


def refuse(error: Any) -> NoReturn:
    """Say what is wrong and where help is, and exit; a group named alone shows its help."""
    # Older versions of Click show the help themselves.
    if type(error).__name__ == "NoArgsIsHelpError":
        error.show()
    else:
        said = one_line(error.format_message()).rstrip(".")
        command = "mia-dual" if error.ctx is None else error.ctx.command_path
        typer.echo(f"mia-dual: {said}: see {command} --help", err=True)
    raise SystemExit(BAD_INPUT)
