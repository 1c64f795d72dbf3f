"""Where a command's words go: findings to standard output, progress to standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import TYPE_CHECKING, Any, Callable, Union

import typer
from rich.console import Console

from mia_dual.execution import peak_memory
from mia_dual.progress import Progress, Silent
from mia_dual.quoting import sayable

if TYPE_CHECKING:
    from pydantic import BaseModel
    from rich.console import JustifyMethod

    Document = Union[BaseModel, dict[str, Any], list[Any]]

WIDE = 400
"""Columns of a terminal that cuts no row of a table in Markdown."""


class Telling:
    """What a command says, and how much of it.

    ``console`` takes findings; with ``quiet`` or ``as_json`` it shows nothing, so that only the
    line or the document given to :meth:`end` is left on standard output. ``progress`` is seen
    where standard error is a terminal and ``quiet`` is not asked for. With ``as_markdown``
    :meth:`table` prints tables as Markdown has them, as wide as they come.
    """

    def __init__(self, quiet: bool, as_json: bool, as_markdown: bool = False) -> None:
        self.as_json, self._as_markdown = as_json, as_markdown
        self.console = Console(quiet=quiet or as_json, width=WIDE if as_markdown else None)
        self.waiting = Console(stderr=True, quiet=quiet)

    @property
    def progress(self) -> Progress:
        """Bars, or nothing where nobody looks on."""
        from mia_dual.cli.progress import RichProgress

        looked_at = self.waiting.is_terminal and not self.waiting.quiet
        return RichProgress(self.waiting) if looked_at else Silent()

    @contextmanager
    def working(self) -> Iterator[None]:
        """While work is done, what anybody else prints goes to standard error."""
        with redirect_stdout(sys.stderr):
            yield

    def table(
        self, titles: Sequence[str], rows: Iterable[Sequence[str]], *, texts: int, title: str = ""
    ) -> None:
        """Print a table under its ``title``; the first ``texts`` columns hold words, the others
        numbers.
        """
        from rich.box import MARKDOWN
        from rich.table import Table

        table = Table(box=MARKDOWN if self._as_markdown else None, pad_edge=self._as_markdown)
        for number, column in enumerate(titles):
            justify: JustifyMethod = "left" if number < texts else "right"
            table.add_column(column, justify=justify, overflow="fold")
        for row in rows:
            table.add_row(*row)
        if title:
            self.say(f"\n{title}\n")
        self.console.print(table)

    def say(self, line: str) -> None:
        """Say a ``line`` beside the findings, in one piece however long it is."""
        self.console.print(sayable(line), soft_wrap=True, markup=False, highlight=False)

    def say_memory(self) -> None:
        """Say how much memory this process held at most, where the system knows."""
        most = peak_memory()
        if most is not None:
            self.say(f"peak memory {most / 1e9:.2f} GB, of this process")

    def end(self, line: str, document: Callable[[], Document]) -> None:
        """Say the last ``line``, or what was found as JSON where that was asked for."""
        if not self.as_json:
            typer.echo(sayable(line))
            return
        found = document()
        if isinstance(found, (dict, list)):
            typer.echo(json.dumps(found, indent=2))
        else:
            typer.echo(found.model_dump_json(indent=2))
