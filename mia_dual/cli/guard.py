"""Where an error becomes a line and an exit code."""

from __future__ import annotations

import functools
from typing import Any, Callable

import typer

from mia_dual.errors import MiaDualError
from mia_dual.exhaustion import out_of_memory
from mia_dual.quoting import one_line

BAD_INPUT = 2
INTERRUPTED = 130


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """``command`` with the errors a user can mend as one line on stderr, and exit code 2."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except MiaDualError as error:
            typer.echo(f"mia-dual: {one_line(str(error))}", err=True)
            raise typer.Exit(BAD_INPUT) from error
        except (MemoryError, RuntimeError, OSError) as error:
            told = out_of_memory(error)
            if told is None:
                raise
            typer.echo(f"mia-dual: {one_line(str(told))}", err=True)
            raise typer.Exit(BAD_INPUT) from error
        except KeyboardInterrupt as error:
            typer.echo("mia-dual: interrupted; the same command goes on where it stopped", err=True)
            raise typer.Exit(INTERRUPTED) from error

    return run
