"""Where an error becomes a line and an exit code."""

from __future__ import annotations

import functools
from typing import Any, Callable

import typer

from mia_dual.errors import MiaDualError
from mia_dual.quoting import one_line
from mia_dual.stopping import PROCESS

BAD_INPUT = 2


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """``command`` with the errors a user can mend as one line on stderr, and exit code 2."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            with PROCESS.at_work():
                command(*arguments, **options)
        except MiaDualError as error:
            typer.echo(f"mia-dual: {one_line(str(error))}", err=True)
            raise typer.Exit(BAD_INPUT) from error
        except KeyboardInterrupt as stop:
            typer.echo(PROCESS.told, err=True)
            raise typer.Exit(PROCESS.code) from stop

    return run
