"""Where an error becomes a line and an exit code."""

from __future__ import annotations

import functools
from typing import Any, Callable, NoReturn

import typer

from mia_dual.errors import MiaDualError
from mia_dual.quoting import one_line, quoted

BAD_INPUT = 2
INTERRUPTED = 130


def guarded(command: Callable[..., None]) -> Callable[..., None]:
    """``command`` with the errors a user can mend as one line on stderr, and exit code 2."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        try:
            command(*arguments, **options)
        except MiaDualError as error:
            _refuse(str(error), error)
        except BrokenPipeError:
            raise  # whoever read what is said has seen enough
        except OSError as error:
            # A path is refused wherever it is first looked at: it may be longer than any, or
            # behind what this user may not open.
            named = "a file" if error.filename is None else quoted(str(error.filename), 200)
            reason = error.strerror or "the system refuses it"
            _refuse(f"{named} cannot be used ({reason}): name another place, or mend it", error)
        except MemoryError as error:
            reason = f" ({error})" if str(error) else ""
            _refuse(
                f"memory ran out{reason}: ask for fewer records or models, or lower --memory", error
            )
        except KeyboardInterrupt as error:
            typer.echo("mia-dual: interrupted; the same command goes on where it stopped", err=True)
            raise typer.Exit(INTERRUPTED) from error

    return run


def _refuse(line: str, error: BaseException) -> NoReturn:
    typer.echo(f"mia-dual: {one_line(line)}", err=True)
    raise typer.Exit(BAD_INPUT) from error
