"""What a study found, a picture a figure: the values across, intervals over seeds upwards."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mia_dual.quoting import one_line
from mia_dual.report.figure import plain
from mia_dual.report.pictures.picture import Picture, Row, Theme, Words
from mia_dual.report.pictures.sheet import LONGEST, Sheet, sheet
from mia_dual.report.study import Point, StudyResults, drawn_figures
from mia_dual.report.study_figure import LEVELS, MARKERS, Line, categories, places_of, reach

MOST_LINES = 5
"""The first attacks: more cannot be told apart, and are in the tables."""

MOST_PANELS = 3
"""Attacks that have a panel each where lines are needed for something else."""


def study_pictures(results: StudyResults) -> list[Picture]:
    """A picture for each figure that the study draws."""
    return [_picture(results, drawn) for drawn in dict.fromkeys(results.y)]


def _picture(results: StudyResults, drawn: str) -> Picture:
    panels = _panels(results, drawn)
    rows = [row for lines in panels for line in lines for row in _rows(line, results.x)]

    def draw(theme: Theme, words: Words) -> Any:
        return sheet(
            theme,
            words,
            lambda drawn_on: _paint(drawn_on, panels, results),
            height=3.6,
            widths=(1.0,) * len(panels),
        )

    title = f"study.{drawn}"
    return Picture(f"study-{drawn}", title, "study.reading", "study.uncertainty", rows, draw)


def _panels(results: StudyResults, drawn: str) -> list[list[Line]]:
    """A panel with a line an attack, or, where lines are of other things, a panel an attack."""
    figures = drawn_figures(results, drawn)
    series = list(dict.fromkeys(point.series for point in results.points))
    if len(series) == 1:
        names = [figure.partition(".")[2] for figure in figures] if len(figures) > 1 else [""]
        lines = list(zip(names, figures))[:MOST_LINES]
        return [[(name, one, list(results.points)) for name, one in lines]]
    return [
        [
            (one, figure, [point for point in results.points if point.series == one])
            for one in series
        ]
        for figure in figures[:MOST_PANELS]
    ]


def _rows(line: Line, across: str) -> list[Row]:
    name, figure, points = line
    rows: list[Row] = []
    for point in points:
        found = point.figures.get(figure)
        if found is not None and found.mean is not None:
            rows.append(
                {
                    "figure": figure,
                    "series": name,
                    "value": point.value,
                    **_place(point, across),
                    "mean": found.mean,
                    "low": found.low,
                    "high": found.high,
                }
            )
    return rows


def _place(point: Point, across: str) -> Row:
    """Where ``point`` stands, where its value does not say it."""
    if across == "value":
        return {}
    if across == "deleted":
        return {across: point.deleted}
    found = point.figures[across]
    return {across: found.mean, f"{across}_low": found.low, f"{across}_high": found.high}


def _paint(drawn: Sheet, panels: Sequence[Sequence[Line]], results: StudyResults) -> None:
    for panel, lines in zip(drawn.panels, panels):
        _paint_panel(drawn, panel, lines, results)
        if len(panels) > 1:
            panel.set_title(plain(lines[0][1].partition(".")[2]))
    if any(name for lines in panels for name, _, _ in lines):
        drawn.legend()


def _paint_panel(drawn: Sheet, panel: Any, lines: Sequence[Line], results: StudyResults) -> None:
    across, is_measured = categories(results), results.x not in ("value", "deleted")
    colours = drawn.theme.colours
    # Of two settings that vary, lines are of the second.
    first, second = results.keys if len(results.keys) == 2 else ("", "")
    for number, (name, figure, points) in enumerate(lines):
        shown = places_of(points, figure, results.x, across)
        if not shown:
            continue
        # Beside each other where many would stand at one place.
        shift = (number - (len(lines) - 1) / 2) * 0.12 if across else 0.0
        panel.errorbar(
            [place + shift for place, _, _ in shown],
            [found.mean for _, _, found in shown],
            yerr=reach([found for _, _, found in shown]),
            xerr=reach([point.figures[results.x] for _, point, _ in shown])
            if is_measured
            else None,
            label=plain(f"{second}: {name}" if second else name) or None,
            color=colours[number % len(colours)],
            marker=MARKERS[number % len(MARKERS)],
            markersize=5,
            linestyle="none" if across or is_measured else "-",
            linewidth=1.3,
            elinewidth=1.2,
        )
        if is_measured and number == 0:
            for place, point, found in shown:
                panel.annotate(
                    plain(one_line(point.value, LONGEST)),
                    (place, found.mean),
                    xytext=(4, 5),
                    textcoords="offset points",
                    fontsize=8,
                )
    level = LEVELS.get(lines[0][1].partition(".")[0])
    if level is not None:
        panel.axhline(level, color=drawn.theme.muted, linewidth=1, linestyle=":", zorder=1)
    if across:
        panel.set_xticks(range(len(across)), map(plain, across), rotation=30, ha="right")
        panel.set_xlim(-0.5, len(across) - 0.5)
    panel.grid(axis="y")
    named = first or results.label
    panel.set_xlabel(drawn.say(f"study.{results.x}") if results.x != "value" else plain(named))
