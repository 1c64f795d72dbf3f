"""Where an error becomes a line and an exit code."""

from __future__ import annotations

import functools
from typing import Any, Callable

import typer
from rich.console import Console

from mia_dual.errors import MiaDualError

BAD_INPUT = 2
INTERRUPTED = 130


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """``command`` with the errors a user can mend as one line on stderr, and exit code 2."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        errors = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
        try:
            command(*arguments, **options)
        except MiaDualError as error:
            errors.print(f"mia-dual: {' '.join(str(error).split())}")
            raise typer.Exit(BAD_INPUT) from error
        except KeyboardInterrupt as error:
            errors.print("mia-dual: interrupted; the same command goes on where it stopped")
            raise typer.Exit(INTERRUPTED) from error

    return run
