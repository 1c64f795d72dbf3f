"""What a command says of what it found in the store and in a run folder, and did not use."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from mia_dual.store.folder import RunFolder
    from mia_dual.store.objects import Store


def tell_damage(store: Store) -> None:
    """Name on standard error what was damaged and made again, however quiet a command is.

    Nothing where nothing was.
    """
    if store.damaged:
        damaged = ", ".join(store.damaged)
        typer.echo(f"damaged in the store, and made again: {damaged}", err=True)


def tell_offered(folder: RunFolder) -> None:
    """Say on standard error, however quiet a command is, what ``folder`` holds and is not used
    since nobody said that it can be trusted.

    Nothing where the store has it all. Before anything is made again, which may take hours.
    """
    line = folder.say_offered("--adopt takes them")
    if line is not None:
        typer.echo(line, err=True)


def tell_replaced(folder: RunFolder) -> None:
    """Name on standard error, however quiet a command is, what made way in ``folder``.

    Nothing where what was made is what lay there.
    """
    if folder.replaced:
        typer.echo(
            f"replaced in run folder '{folder.path}', since making them again gave something "
            f"else: {', '.join(folder.replaced)}",
            err=True,
        )
