"""The Typer app, and the one place where an error becomes a line and an exit code."""

from __future__ import annotations

import sys

import typer
from rich.console import Console

from mia_dual import __version__
from mia_dual.cli.bench import bench
from mia_dual.cli.datasets import datasets
from mia_dual.cli.doctor import doctor
from mia_dual.cli.run import run
from mia_dual.errors import MiaDualError

BAD_INPUT = 2
INTERRUPTED = 130

app = typer.Typer(
    help="Audit what a model remembers of its training data, alike on MindSpore and PyTorch.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"mia-dual {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Say the version and stop."
    ),
) -> None:
    pass


app.command()(run)
app.command()(datasets)
app.command()(doctor)
app.command()(bench)


def main() -> None:
    """Run the app: an error a user can mend is one line on stderr and exit code 2."""
    errors = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)
    try:
        app()
    except MiaDualError as error:
        errors.print(f"mia-dual: {' '.join(str(error).split())}")
        sys.exit(BAD_INPUT)
    except KeyboardInterrupt:
        errors.print("mia-dual: interrupted; the same command goes on where it stopped")
        sys.exit(INTERRUPTED)
