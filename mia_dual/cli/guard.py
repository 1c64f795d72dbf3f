"""Where an error becomes a line and an exit code."""

from __future__ import annotations

import functools
from typing import Any, Callable, NoReturn, Optional

import typer

from mia_dual.errors import MiaDualError
from mia_dual.exhaustion import out_of_memory
from mia_dual.quoting import one_line, quoted
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
            _refuse(str(error), error)
        except BrokenPipeError:
            raise  # whoever read what is said has seen enough
        except (MemoryError, RuntimeError, OSError) as error:
            line = _mendable(error)
            if line is None:
                raise
            _refuse(line, error)
        except KeyboardInterrupt as stop:
            typer.echo(PROCESS.told, err=True)
            raise typer.Exit(PROCESS.code) from stop

    return run


def _mendable(error: BaseException) -> Optional[str]:
    """What a user can do about ``error``; None where it is a fault of ours."""
    exhausted = out_of_memory(error)
    if exhausted is not None:
        return str(exhausted)
    if not isinstance(error, OSError):
        return None
    # A path is refused wherever it is first looked at: it may be longer than any, or behind what
    # this user may not open.
    named = "a file" if error.filename is None else quoted(str(error.filename), 200)
    reason = error.strerror or "the system refuses it"
    return f"{named} cannot be used ({reason}): name another place, or mend it"


def _refuse(line: str, error: BaseException) -> NoReturn:
    typer.echo(f"mia-dual: {one_line(line)}", err=True)
    raise typer.Exit(BAD_INPUT) from error
