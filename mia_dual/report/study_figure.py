"""A study's findings drawn: a panel a figure, error bars over seeds, as PNG and SVG."""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Sequence
from typing import Any, Optional

from mia_dual.report.study import Figure, Point, StudyResults, drawn_figures, title

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Of Okabe and Ito 2008 (Color Universal Design), told apart whichever colours one sees."""

MARKERS = "osD^vPX"
LEVELS = {"auc": 0.5, "auc_deleted": 0.5, "auc_deleted_before": 0.5, "auc_deleted_change": 0.0}
"""Where a figure says nothing: of an attack that guesses, of a deletion that changes nothing."""

LABEL_WIDTH = 38
"""Characters of a line beside an axis."""


def draw_study(results: StudyResults) -> dict[str, bytes]:
    """``study.png`` and ``study.svg``; the same bytes for the same results and Matplotlib."""
    import matplotlib
    from matplotlib.figure import Figure as Canvas

    panels = _panels(results)
    columns = min(len(panels), 2)
    rows = math.ceil(len(panels) / columns)
    with matplotlib.rc_context({"svg.hashsalt": results.name, "font.size": 10}):
        canvas = Canvas(figsize=(6.0 * columns, 4.2 * rows), layout="constrained")
        axes = canvas.subplots(rows, columns, squeeze=False).ravel()
        for axis, lines in zip(axes, panels):
            _draw(axis, lines, results)
        for axis in axes[len(panels) :]:
            axis.set_axis_off()
        canvas.suptitle(
            f"{results.name}: {results.data}, {', '.join(results.backends)}, "
            f"{len(results.seeds)} seeds, 95 % intervals",
            fontsize=11,
        )
        drawn = {}
        for name, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
            stream = io.BytesIO()
            canvas.savefig(stream, format=name, dpi=150, metadata=metadata)
            drawn[f"study.{name}"] = stream.getvalue()
    return drawn


Line = tuple[str, str, list[Point]]
"""A line's name, the figure it shows, and its points."""


def _panels(results: StudyResults) -> list[list[Line]]:
    """A panel each figure; attacks share one where nothing else needs lines of its own."""
    series = list(dict.fromkeys(point.series for point in results.points))
    panels: list[list[Line]] = []
    for drawn in results.y:
        figures = drawn_figures(results, drawn)
        if len(series) == 1:
            names = figures if len(figures) > 1 else [""]
            attacks = [name.partition(".")[2] for name in names]
            panels.append(
                [(name, figure, results.points) for name, figure in zip(attacks, figures)]
            )
            continue
        for figure in figures:
            panels.append(
                [
                    (one, figure, [point for point in results.points if point.series == one])
                    for one in series
                ]
            )
    return panels


def _draw(axis: Any, lines: Sequence[Line], results: StudyResults) -> None:
    names = categories(results)
    measured = results.x not in ("value", "deleted")
    for number, (name, figure, points) in enumerate(lines):
        shown = places_of(points, figure, results.x, names)
        if not shown:
            continue
        # Beside each other where many would stand at one place.
        shift = (number - (len(lines) - 1) / 2) * 0.12 if names else 0.0
        axis.errorbar(
            [place + shift for place, _, _ in shown],
            [found.mean for _, _, found in shown],
            yerr=reach([found for _, _, found in shown]),
            xerr=reach([point.figures[results.x] for _, point, _ in shown]) if measured else None,
            label=name or None,
            color=COLOURS[number % len(COLOURS)],
            marker=MARKERS[number % len(MARKERS)],
            markersize=5,
            linestyle="-" if all(point.number is not None for _, point, _ in shown) else "none",
            linewidth=1.2,
            elinewidth=1,
            capsize=3,
        )
        if measured and number == 0:
            for place, point, found in shown:
                axis.annotate(
                    point.value,
                    (place, found.mean),
                    xytext=(4, 5),
                    textcoords="offset points",
                    fontsize=8,
                )
    figures = {figure for _, figure, _ in lines}
    for level in {LEVELS.get(figure.partition(".")[0]) for figure in figures} - {None}:
        axis.axhline(level, color="0.5", linestyle="--", linewidth=0.8, zorder=0)
    if names:
        axis.set_xticks(range(len(names)), names)
        if max(map(len, names)) * len(names) > 60:
            axis.tick_params(axis="x", rotation=25)
        axis.set_xlim(-0.5, len(names) - 0.5)
    axis.set_xlabel(_across(results))
    words = title(next(iter(figures))) if len(figures) == 1 else _common(figures)
    axis.set_ylabel(textwrap.fill(words, LABEL_WIDTH))
    if any(name for name, _, _ in lines):
        axis.legend(fontsize=8, title=_legend(results), title_fontsize=8)
    axis.grid(axis="y", color="0.9", linewidth=0.6)
    axis.spines[["top", "right"]].set_visible(False)


def categories(results: StudyResults) -> list[str]:
    """The values as places on the axis; empty where they are numbers."""
    if results.x != "value" or all(point.number is not None for point in results.points):
        return []
    return list(dict.fromkeys(point.across for point in results.points))


def places_of(
    points: Sequence[Point], figure: str, across: str, categories: Sequence[str]
) -> list[tuple[float, Point, Figure]]:
    """Those of ``points`` that have the ``figure`` and a place, by number: place, point, figure."""
    return [
        (place, point, found)
        for point in sorted(points, key=lambda point: point.number or 0.0)
        for found in [point.figures.get(figure)]
        for place in [place_of(point, across, categories)]
        if found is not None and found.mean is not None and place is not None
    ]


def place_of(point: Point, across: str, categories: Sequence[str]) -> Optional[float]:
    """Where ``point`` stands by ``across``, a study's ``x``; None where that is not known."""
    if categories:
        return float(categories.index(point.across))
    return point.number if across in ("value", "deleted") else point.figures[across].mean


def reach(figures: Sequence[Figure]) -> list[list[float]]:
    """How far intervals reach below and above the means."""
    below, above = [], []
    for figure in figures:
        mean = figure.mean or 0.0
        below.append(0.0 if figure.low is None else max(mean - figure.low, 0.0))
        above.append(0.0 if figure.high is None else max(figure.high - mean, 0.0))
    return [below, above]


def _across(results: StudyResults) -> str:
    if results.x == "value":
        return results.keys[0] if len(results.keys) == 2 else results.label
    return title(results.x)


def _legend(results: StudyResults) -> Optional[str]:
    if len(results.keys) == 2:
        return results.keys[1]
    return results.label if results.x == "deleted" else None


def _common(figures: set[str]) -> str:
    """What figures of several attacks have in common, in words."""
    name = next(iter(figures)).partition(".")[0]
    return title(f"{name}.each attack")
