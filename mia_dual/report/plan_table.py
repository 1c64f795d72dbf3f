"""A plan and what it will take, as tables that fit a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from mia_dual.measure.forecast import Forecast
from mia_dual.plan.plan import Plan


def print_plan(
    plan: Plan, expected: Forecast, drawn: list[str], built: list[str], console: Console
) -> None:
    """Print the models by role, the deletions, and what their weights begin as.

    ``drawn`` and ``built``: names of weights that are drawn here, and that stay as the network
    was built.
    """
    models = Table(box=box.SIMPLE_HEAD, padding=0)
    work = ("steps", "operations") if expected.by_steps else ()
    for title in ("role", "models", "to train", "records each", *work):
        models.add_column(title, justify="left" if title == "role" else "right")
    for role in expected.roles:
        sizes = [len(model.members) for model in plan.models.values() if model.role == role.role]
        models.add_row(
            role.role,
            str(role.models),
            str(role.lacking),
            _range(sizes),
            *((f"{role.steps:,}", f"{role.operations:.2g}") if expected.by_steps else ()),
        )
    console.print(models)
    deletions = Table(box=box.SIMPLE_HEAD, padding=0)
    for title in ("deletion", "method", "forget set", "models trained"):
        deletions.add_column(title)
    for (request, method), of_targets in plan.deletions_alike().items():
        deletions.add_row(
            request,
            method,
            _range([len(deletion.request.deleted) for deletion in of_targets]),
            str(sum(len(plan.versions[one.after].retrained) for one in of_targets)),
        )
    if plan.deletions:
        console.print(deletions)
    if plan.awaits_exposure:
        console.print(
            "What references expose most is deleted too; it is known, and counted, once they have "
            "answered.",
            highlight=False,
        )
    if not expected.by_steps:
        console.print(
            "Each model is fitted at once on its records: epochs, batches, optimizer and learning "
            "rate mean nothing to it.",
            highlight=False,
        )
    if drawn:
        console.print(f"Drawn from the seed: {', '.join(drawn)}.", highlight=False)
    if built:
        console.print(f"As the network was built: {', '.join(built)}.", highlight=False)


def expected_line(expected: Forecast) -> str:
    """What all of a plan takes."""
    return (
        f"Expected here, attack models not counted: {expected.seconds:,.1f} s of training, "
        f"{expected.asking:,.1f} s of questions, {expected.disk / 1e6:,.1f} MB in the store."
    )


def _range(sizes: Sequence[int]) -> str:
    least, most = min(sizes), max(sizes)
    return f"{least}" if least == most else f"{least}-{most}"
