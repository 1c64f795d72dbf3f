"""``mia-dual store``: what all runs share, listed, verified and pruned."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional

import typer

from mia_dual.cli.guard import guarded
from mia_dual.cli.options import JSON, QUIET

if TYPE_CHECKING:
    from mia_dual.store.objects import Store

store = typer.Typer(
    help="List, verify and prune the models and answers that runs share.", no_args_is_help=True
)

Folder = typer.Option(
    None, "--store", help="The store's folder; else $MIA_DUAL_STORE, or runs/store."
)


_LINE = "{:<12}  {:<8}{:>16}{:>6}  {}"

SHOWN, LONGEST = 3, 300
"""Run folders that a message names, and characters of each."""

LINES_AT_ONCE = 1000
"""That are held before they are written: a store may have many, and is listed as it is read."""


def _open(folder: Optional[Path]) -> Store:
    from mia_dual.errors import StoreError
    from mia_dual.store.objects import Store, store_folder

    path = store_folder(folder, Path("runs"))
    if not (path / "objects").is_dir():
        raise StoreError(f"'{path}' is no store: name one with --store")
    return Store(path)


@store.command("list")
@guarded
def list_objects(
    folder: Optional[Path] = Folder, quiet: bool = QUIET, as_json: bool = JSON
) -> None:
    """Say what is stored, how large it is, and how many run folders need it."""
    from mia_dual.cli.telling import Telling
    from mia_dual.quoting import quoted

    telling = Telling(quiet, as_json)
    found = _open(folder)
    needed = found.referred()
    listed: list[dict[str, Any]] = []
    lines = [_LINE.format("key", "kind", "bytes", "runs", "name")]
    count = total = 0
    for entry in found:
        runs = len(needed.get(entry.key, []))
        count, total = count + 1, total + entry.bytes
        if as_json:
            told = {"key": entry.key, "kind": entry.kind, "name": entry.name, "bytes": entry.bytes}
            listed.append({**told, "runs": runs})
            continue
        # Whoever shares the store wrote it.
        name = entry.name if entry.name.isprintable() else quoted(entry.name)
        lines.append(_LINE.format(entry.key[:12], entry.kind, f"{entry.bytes:,}", runs, name))
        if len(lines) == LINES_AT_ONCE:
            telling.console.out("\n".join(lines), highlight=False)
            lines.clear()
    if lines:
        telling.console.out("\n".join(lines), highlight=False)
    telling.end(f"{count} objects, {total:,} bytes in {found.path}", lambda: listed)


@store.command()
@guarded
def verify(folder: Optional[Path] = Folder, quiet: bool = QUIET, as_json: bool = JSON) -> None:
    """Check every object against its checksum; what is damaged is named, and exit code 1."""
    from mia_dual.cli.telling import Telling

    telling = Telling(quiet, as_json)
    found = _open(folder)
    sound = 0
    with telling.progress.stage("verify", found.count(), unit="objects") as report:
        for entry in found:
            sound += found.is_sound(entry)
            report(1)
    line = f"{sound} objects are as they were written"
    if found.damaged:
        line += (
            f"; {len(found.damaged)} are damaged: {', '.join(found.damaged)}; the next run that "
            "needs one makes it again"
        )
    telling.end(line, lambda: {"sound": sound, "damaged": found.damaged})
    if found.damaged:
        raise typer.Exit(1)


@store.command()
@guarded
def prune(
    folder: Optional[Path] = Folder,
    gone: bool = typer.Option(
        False,
        "--gone",
        help="Remove, too, what run folders refer to that are not here and may be elsewhere: on a "
        "disk that is not mounted, or on another machine.",
    ),
    quiet: bool = QUIET,
    as_json: bool = JSON,
) -> None:
    """Remove what no run folder refers to."""
    from mia_dual.cli.telling import Telling
    from mia_dual.quoting import quoted

    telling = Telling(quiet, as_json)
    found = _open(folder)
    with telling.progress.stage("prune", found.count(), unit="objects") as report:
        objects, freed = found.prune(report, gone)
    kept = found.unseen()
    line = f"removed {objects} objects, {freed:,} bytes, from {found.path}"
    if kept:
        named = ", ".join(quoted(run, LONGEST) for run in kept[:SHOWN])
        more = f" and {len(kept) - SHOWN} more" if len(kept) > SHOWN else ""
        line += (
            f"; {len(kept)} references to run folders that are not here were kept ({named}{more}): "
            "--gone removes them"
        )
    telling.end(line, lambda: {"objects": objects, "bytes": freed, "kept": kept})
