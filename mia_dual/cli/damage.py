"""What a command says of damage it found in the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from mia_dual.store.objects import Store


def tell_damage(store: Store) -> None:
    """Name on standard error what was damaged and made again, however quiet a command is.

    Nothing where nothing was.
    """
    if store.damaged:
        damaged = ", ".join(store.damaged)
        typer.echo(f"damaged in the store, and made again: {damaged}", err=True)
