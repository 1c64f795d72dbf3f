"""The Typer app: one module a command."""

from __future__ import annotations

import sys

import typer

from mia_dual import __version__
from mia_dual.cli.attack import attack
from mia_dual.cli.bench import bench
from mia_dual.cli.compare import compare
from mia_dual.cli.datasets import datasets
from mia_dual.cli.delete import delete, log
from mia_dual.cli.doctor import doctor
from mia_dual.cli.guard import guarded
from mia_dual.cli.keys import keys
from mia_dual.cli.report import report
from mia_dual.cli.run import run
from mia_dual.cli.store import store
from mia_dual.cli.study import study
from mia_dual.cli.usage import UsageError, refuse
from mia_dual.cli.verify import verify
from mia_dual.cli.xihe import xihe
from mia_dual.stopping import PROCESS

app = typer.Typer(
    help="Audit what a model remembers of its training data, alike on MindSpore and PyTorch.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Rich's boxes cut off names that are longer than their column.
    rich_markup_mode=None,
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


for command in (run, delete, log, verify, attack, study, compare, report, datasets, doctor, bench):
    app.command()(guarded(command))
for name, group in (("store", store), ("keys", keys), ("xihe", xihe)):
    app.add_typer(group, name=name, short_help=group.info.help)
for group in (app, store, keys, xihe):
    for listed in group.registered_commands:
        # Else the list of commands breaks off in the middle of one.
        listed.short_help = (listed.callback.__doc__ or "").partition("\n")[0]


def main() -> None:
    """Run the app; what it cannot read of the command line is one line on stderr, exit code 2."""
    try:
        code = app(prog_name="mia-dual", standalone_mode=False)
    except UsageError as error:
        refuse(error)
    except typer.Abort:
        sys.exit(PROCESS.code)
    sys.exit(code if isinstance(code, int) else 0)
