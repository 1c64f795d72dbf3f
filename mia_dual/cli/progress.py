"""Progress on the terminal, by Rich."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from mia_dual.progress import Advance


class RichProgress:
    """A bar a stage, left standing when the stage is over: how far it is, the time left, models
    done, and units a second (of training and answers records, over all models).
    """

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def stage(
        self, title: str, total: int, done: int = 0, unit: str = "", models: int = 0
    ) -> Iterator[Advance]:
        """See :class:`mia_dual.progress.Progress`."""
        # The bar is what a narrow terminal can do without first.
        bar = [BarColumn(bar_width=10)] if self._console.width >= 80 else []
        with Progress(
            TextColumn("{task.description:<14}", markup=False),
            *bar,
            TextColumn("{task.percentage:>3.0f} %"),
            TimeRemainingColumn(elapsed_when_finished=True),
            _Done(),
            console=self._console,
        ) as bars:
            task = bars.add_task(
                title, total=total, completed=done, earlier=done, unit=unit, models=models, made=0
            )

            def advance(units: int, models: int = 0) -> None:
                bars.update(task, made=bars.tasks[task].fields["made"] + models)
                bars.advance(task, units)

            yield advance


class _Done(ProgressColumn):
    """Models made of all, or units done of all; and units a second since the stage began.

    Rich's own speed is that between reports, and a few that come at once would boast.
    """

    def render(self, task: Task) -> Text:
        of, unit = task.fields, f" {task.fields['unit']}".rstrip()
        if of["models"]:
            done = f"{of['made']:,}/{of['models']:,} models"
        else:
            done = f"{task.completed:,.0f}/{task.total or 0:,.0f}{unit}"
        seconds = task.finished_time or task.elapsed
        known = bool(unit and seconds and task.completed > of["earlier"])
        rate = f", {(task.completed - of['earlier']) / seconds:,.0f}{unit}/s" if known else ""
        return Text(done + rate)
