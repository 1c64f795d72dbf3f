"""What a study found, in one sentence that follows from its figures and from nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import numpy as np

from mia_dual import metrics
from mia_dual.report.study import Figure, Point, StudyResults, drawn_figures, title


def finding(results: StudyResults) -> str:
    """One sentence on the first two figures drawn, by the first attack, joined by semicolons.

    Where values are numbers: whether the figure rises or falls from the lowest to the highest, by
    how much, and whether at every step. Elsewhere: which value gives most and which least (picked
    after looking, so their difference is not corrected for that). The difference is taken seed by
    seed, with Student's t-interval of it; where that holds zero, no change is claimed.
    """
    parts = []
    for drawn in results.y[:2]:
        figure = drawn_figures(results, drawn)[0]
        points = [
            point
            for point in results.points
            if figure in point.figures and point.figures[figure].mean is not None
        ]
        parts += _on(figure, points, results)
    text = "; ".join(parts) or "nothing could be measured"
    if len(results.seeds) == 2:
        text += "; with two seeds an interval spans 12.7 standard errors, so take more to decide"
    return text[0].upper() + text[1:] + "."


def _on(figure: str, points: Sequence[Point], results: StudyResults) -> list[str]:
    name = title(figure)
    if len(points) < 2:
        return []
    if results.x == "deleted":
        series = list(dict.fromkeys(point.series for point in points))
        lines = {one: _ordered([each for each in points if each.series == one]) for one in series}
        clauses = [
            f"of {one}, {_trend(figure, line, brief=True)}"
            if len(series) > 1
            else _trend(figure, line)
            for one, line in lines.items()
            if len(line) > 1
        ]
        return [f"{name}, by the share deleted: {'; '.join(clauses)}"] if clauses else []
    if len(results.keys) == 2:
        of_one_kind = len({key.rpartition(".")[2] for key in results.keys}) == 1
        against = _own_or_other(figure, points) if of_one_kind else []
        return [_extremes(name, figure, points), *against]
    if any(point.number is None for point in points):
        parts = [_extremes(name, figure, points)]
    else:
        parts = [f"{name} {_trend(figure, _ordered(points))}"]
    if results.x not in ("value", figure):
        parts.append(_together(figure, results.x, points))
    return parts


def _ordered(points: Sequence[Point]) -> list[Point]:
    return sorted(points, key=lambda point: point.number or 0.0)


def _trend(figure: str, points: Sequence[Point], brief: bool = False) -> str:
    """What becomes of ``figure`` from the first of ``points``, which are ordered, to the last.

    ``brief``: without what overlaps and what lies between, where several lines are told of.
    """
    first, last = points[0], points[-1]
    means = [point.figures[figure].mean or 0.0 for point in points]
    change, interval = difference(first.figures[figure], last.figures[figure])
    ends = f"from {means[0]:.3f} at {_place(first)} to {means[-1]:.3f} at {_place(last)}"
    measured = f"{change:+.3f}, {_interval(interval)}"
    if interval is None or interval[0] <= 0 <= interval[1]:
        between = max(means) > max(means[0], means[-1]) or min(means) < min(means[0], means[-1])
        told = f", in between {_widest(points, means)}" if between and not brief else ""
        if interval is None:
            return f"goes {ends} ({measured}){told}"
        return f"shows no sure change {ends} ({measured} holds zero){told}"
    steps = np.diff(means)
    every = bool((steps >= 0).all() or (steps <= 0).all())
    verb = "rises" if change > 0 else "falls"
    if brief:
        return f"{verb} {ends} ({measured}), {'' if every else 'not '}at every step"
    how = "at every step" if every else f"though not at every step: {_widest(points, means)}"
    overlap = _overlap(first.figures[figure], last.figures[figure])
    return f"{verb} {ends} ({measured}; {overlap}), {how}"


def _widest(points: Sequence[Point], means: Sequence[float]) -> str:
    highest, lowest = int(np.argmax(means)), int(np.argmin(means))
    return (
        f"highest {means[highest]:.3f} at {_place(points[highest])}, "
        f"lowest {means[lowest]:.3f} at {_place(points[lowest])}"
    )


def _extremes(name: str, figure: str, points: Sequence[Point]) -> str:
    ordered = sorted(points, key=lambda point: point.figures[figure].mean or 0.0)
    lowest, highest = ordered[0], ordered[-1]
    change, interval = difference(lowest.figures[figure], highest.figures[figure])
    means = [point.figures[figure].mean or 0.0 for point in (highest, lowest)]
    measured = f"{change:+.3f}, {_interval(interval)}"
    text = f"{means[0]:.3f} for {highest.value} and {means[1]:.3f} for {lowest.value}"
    if interval is None or interval[0] <= 0 <= interval[1]:
        return f"{name} shows no sure difference between any values: at most {text} ({measured})"
    overlap = _overlap(lowest.figures[figure], highest.figures[figure])
    return f"{name} is highest and lowest with {text} ({measured}; {overlap})"


def _own_or_other(figure: str, points: Sequence[Point]) -> list[str]:
    """Pairs of equal values against all others: both settings are of one kind."""
    alike = [point.figures[figure] for point in points if point.across == point.series]
    others = [point.figures[figure] for point in points if point.across != point.series]
    if len(alike) < 2 or not others:
        return []
    own, other = _average(alike), _average(others)
    change, interval = difference(other, own)
    held = interval is None or interval[0] <= 0 <= interval[1]
    verdict = "no sure difference" if held else "a difference"
    return [
        f"where both are the same it is {own.mean or 0:.3f} on average, where they are not "
        f"{other.mean or 0:.3f}: {verdict} ({change:+.3f}, {_interval(interval)})"
    ]


def _average(figures: Sequence[Figure]) -> Figure:
    """The mean over points, seed by seed."""
    columns = zip(*(figure.seeds for figure in figures))
    seeds: list[Optional[float]] = [
        None if any(value is None for value in column) else float(np.mean(column))
        for column in columns
    ]
    known = [value for value in seeds if value is not None]
    mean = float(np.mean(known)) if known else None
    return Figure(mean=mean, low=None, high=None, seeds=seeds)


def _together(figure: str, across: str, points: Sequence[Point]) -> str:
    """How far the order of targets by ``figure`` is that by ``across``: Spearman's correlation."""
    pairs = [
        (one, other)
        for point in points
        for one, other in zip(point.figures[across].seeds, point.figures[figure].seeds)
        if one is not None and other is not None
    ]
    columns = [metrics.ranks(np.array(column)) for column in zip(*pairs)]
    if any(np.ptp(column) == 0 for column in columns):
        return f"over {len(pairs)} targets the {title(across)} or this figure stays the same"
    correlation = float(np.corrcoef(columns[0], columns[1])[0, 1])
    return (
        f"over {len(pairs)} targets its order and that of the {title(across)} correlate by "
        f"{correlation:.2f} (Spearman)"
    )


def difference(before: Figure, after: Figure) -> tuple[float, Optional[tuple[float, float]]]:
    """The mean difference, seed by seed, and its interval."""
    pairs = [
        other - one
        for one, other in zip(before.seeds, after.seeds)
        if one is not None and other is not None
    ]
    if not pairs:
        return (after.mean or 0.0) - (before.mean or 0.0), None
    return metrics.mean_interval(pairs)


def _interval(interval: Optional[tuple[float, float]]) -> str:
    return "no interval" if interval is None else f"95 % {interval[0]:+.3f} to {interval[1]:+.3f}"


def _overlap(one: Figure, other: Figure) -> str:
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return "no intervals to compare"
    apart = one.high < other.low or other.high < one.low
    return "their intervals do not overlap" if apart else "their intervals overlap"


def _place(point: Point) -> str:
    return f"{point.deleted:.0%}" if point.deleted is not None else point.value
