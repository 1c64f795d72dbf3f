"""The results drawn: every attack's AUC with its interval, and what each deletion did to it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from mia_dual.optional import optional
from mia_dual.report.methods import kind_of
from mia_dual.report.results import Results, Success
from mia_dual.report.strength import shown_around_deletions

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GUESSING = 0.5

BEFORE, AFTER = "#D55E00", "#0072B2"
"""Of Okabe and Ito 2008 (Color Universal Design): told apart whichever colours one sees."""


def draw(results: Results) -> Figure:
    """Panels side by side: the target (and its groups), then the forget set of each deletion
    and of what it is compared with, as the strongest attack and the tutorial's see them.

    Bars are 95 % intervals; the line at .5 is guessing.
    """
    attacks: list[tuple[str, str, Success]] = [
        ("original", name, found) for name, found in results.attacks.items()
    ]
    if results.grouped is not None:
        attacks += [("groups", name, found) for name, found in results.grouped.attacks.items()]
    told = [(deletion, "") for deletion in results.deletion]
    told += [(other, f" ({kind_of(other.method)})") for other in results.compared]
    changes = [
        (f"{found.request}, {found.method}{note}: {name}", found.attacks[name].deleted)
        for found, note in told
        for name in shown_around_deletions(results.attacks)
        if name in found.attacks
    ]
    height = 1.5 + 0.3 * max(len(attacks), 2 * len(changes))
    figure = canvas(figsize=(12.0 if changes else 6.0, height), layout="constrained")
    panels = figure.subplots(1, 2 if changes else 1, squeeze=False)[0]
    _axis(panels[0], "members", [f"{version}: {name}" for version, name, _ in attacks])
    for place, (version, _, found) in enumerate(attacks):
        _point(panels[0], place, found, BEFORE, version)
    if changes:
        _axis(panels[1], "forget set", [name for name, _ in changes])
        for place, (_, change) in enumerate(changes):
            _point(panels[1], place - 0.15, change.before, BEFORE, "before")
            _point(panels[1], place + 0.15, change.after, AFTER, "after")
        lines, names = panels[1].get_legend_handles_labels()
        once = dict(zip(names, lines))
        # Above the panel, where it hides no point.
        panels[1].legend(
            once.values(), once.keys(), loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2
        )
    figure.suptitle(plain(f"{results.network} on {results.data.name} ({results.backend})"))
    return figure


def canvas(**options: Any) -> Figure:
    """An empty figure that a notebook shows; none of pyplot's, which it would show twice."""
    module = optional("matplotlib.figure", "figure")

    class Canvas(module.Figure):  # type: ignore[name-defined]
        def _repr_png_(self) -> bytes:
            content = io.BytesIO()
            self.savefig(content, format="png")
            return content.getvalue()

    figure: Figure = Canvas(**options)
    return figure


def _axis(panel: Any, side: str, names: Sequence[str]) -> None:
    panel.set_yticks(range(len(names)), [plain(name) for name in names])
    panel.set_ylim(len(names) - 0.5, -0.5)
    panel.set_xlim(0, 1)
    panel.set_xlabel(f"AUC, {side} against non-members")
    panel.axvline(GUESSING, color="grey", linewidth=1, linestyle=":")


def _point(panel: Any, place: float, found: Success, colour: str, name: str) -> None:
    if found.auc is None:
        return
    low, high = found.auc_interval or (found.auc, found.auc)
    reach = [[found.auc - low], [high - found.auc]]
    panel.errorbar(found.auc, place, xerr=reach, fmt="o", color=colour, capsize=3, label=name)


def plain(text: str) -> str:
    """``text`` in which nothing is taken for a formula."""
    return text.replace("$", r"\$")
