"""What a command says of damage it found in the store."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from mia_dual.store.objects import Store


def tell_damage(store: Store, console: Console) -> None:
    """Name what was damaged and made again; nothing where nothing was."""
    if store.damaged:
        damaged = ", ".join(store.damaged)
        console.print(f"damaged in the store, and made again: {damaged}", markup=False)
