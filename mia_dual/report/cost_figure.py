"""A study of what deletion costs, drawn: six panels, as PNG and SVG."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from typing import Any

from mia_dual.report.cost import CostResults, Mean, RequestCost
from mia_dual.report.study_figure import COLOURS, MARKERS


def draw_cost(results: CostResults) -> dict[str, bytes]:
    """``study.png`` and ``study.svg``; the same bytes for the same results and Matplotlib.

    Colours are numbers of groups or of slices; dashes of the same colour are what was expected.
    """
    import matplotlib
    from matplotlib.figure import Figure as Canvas

    with matplotlib.rc_context({"svg.hashsalt": results.name, "font.size": 10}):
        canvas = Canvas(figsize=(15.0, 8.4), layout="constrained")
        axes = canvas.subplots(2, 3).ravel()
        for axis, draw in zip(axes, (_stream, _single, _batches, _seconds, _accuracy, _bytes)):
            draw(axis, results)
            axis.grid(color="0.9", linewidth=0.6, which="major")
            axis.spines[["top", "right"]].set_visible(False)
        canvas.suptitle(
            f"{results.name}: {results.members} members of {results.data}, {results.network}, "
            f"{results.epochs} epochs, {results.backend}; {len(results.seeds)} seeds, "
            f"{results.orders} orders of requests each, 95 % intervals",
            fontsize=12,
        )
        drawn = {}
        for name, metadata in (("png", {"Software": None}), ("svg", {"Date": None})):
            stream = io.BytesIO()
            canvas.savefig(stream, format=name, dpi=120, metadata=metadata)
            drawn[f"study.{name}"] = stream.getvalue()
    return drawn


def _stream(axis: Any, results: CostResults) -> None:
    """Records seen by requests one by one, in full trainings of one model."""
    whole = results.members * results.epochs
    most = max(one.slices for one in results.trainings)
    served = sorted({one.requests for one in _single_requests(results)})
    full = [one.full_records / whole for one in _of(_single_requests(results), most)][: len(served)]
    axis.plot(served, full, color="black", linewidth=1.2, label="full retraining")
    for number, groups in enumerate(_groups(results)):
        found = [one for one in _of(_single_requests(results), most) if one.groups == groups]
        axis.errorbar(
            [one.requests for one in found],
            [one.records.mean / whole for one in found],
            yerr=_bars([one.records for one in found], whole),
            label=_count(groups, "group"),
            **_style(number),
        )
        axis.plot(
            [one.requests for one in found],
            [one.expected_share * one.full_records / whole for one in found],
            **_formula(number),
        )
    _logarithmic(axis, "x", "y")
    axis.set_xlabel("requests of one record, served one by one")
    axis.set_ylabel("records seen, in trainings of one model")
    axis.set_title(f"One by one, {_count(most, 'slice')}", fontsize=10)
    axis.legend(fontsize=8)


def _single(axis: Any, results: CostResults) -> None:
    """What one request of one record costs, by groups and slices."""
    fewest = min(one.requests for one in _single_requests(results))
    for number, slices in enumerate(_slices(results)):
        found = [one for one in _of(_single_requests(results), slices) if one.requests == fewest]
        _against_groups(
            axis, results, found, number, len(_slices(results)), _count(slices, "slice")
        )
    _by_groups(axis, results)
    _logarithmic(axis, "y")
    axis.set_ylabel("records seen, share of full retraining")
    axis.set_title(f"One record ({_count(fewest, 'request')})", fontsize=10)
    axis.legend(fontsize=8)


def _batches(axis: Any, results: CostResults) -> None:
    """What requests of many records cost, by groups, without and with the most slices."""
    at_once = [one for one in results.requests if one.share is not None]
    ends = sorted({min(_slices(results)), max(_slices(results))})
    lines = [
        (name, slices) for name in dict.fromkeys(one.request for one in at_once) for slices in ends
    ]
    for number, (name, slices) in enumerate(lines):
        found = [one for one in _of(at_once, slices) if one.request == name]
        label = f"{name}, {_count(slices, 'slice')}"
        _against_groups(axis, results, found, number, len(lines), label)
    _by_groups(axis, results)
    axis.set_ylim(bottom=0)
    axis.set_ylabel("records seen, share of full retraining")
    axis.set_title("Many records at once", fontsize=10)
    if lines:
        axis.legend(fontsize=8)


def _seconds(axis: Any, results: CostResults) -> None:
    """Whether seconds fall as steps do."""
    timed = [one for one in results.requests if one.seconds_share is not None]
    for number, groups in enumerate(_groups(results)):
        found = [one for one in timed if one.groups == groups]
        axis.plot(
            [one.steps_share.mean for one in found],
            [one.seconds_share.mean for one in found if one.seconds_share],
            linestyle="none",
            label=_count(groups, "group"),
            color=COLOURS[number % len(COLOURS)],
            marker=MARKERS[number % len(MARKERS)],
            markersize=5,
        )
    if timed:
        lowest = min(one.steps_share.mean for one in timed)
        axis.plot([lowest, 1], [lowest, 1], label="as the steps", color="0.4", **DASHES)
        axis.legend(fontsize=8)
    _logarithmic(axis, "x", "y")
    axis.set_xlabel("steps, share of full retraining")
    axis.set_ylabel("seconds, share of full retraining")
    axis.set_title("Seconds of requests that were served alone", fontsize=10)


def _accuracy(axis: Any, results: CostResults) -> None:
    for number, slices in enumerate(_slices(results)):
        found = [one for one in results.trainings if one.slices == slices]
        places = _places(results, found, number, len(_slices(results)))
        axis.errorbar(
            places,
            [one.accuracy.mean for one in found],
            yerr=_bars([one.accuracy for one in found]),
            label=_count(slices, "slice"),
            **_style(number),
        )
    axis.set_ylim(top=min(axis.get_ylim()[1], 1.0))
    axis.axhline(
        results.single_accuracy.mean, label="one model", color="black", linestyle=":", linewidth=1
    )
    _by_groups(axis, results)
    axis.set_ylabel("accuracy on non-members")
    axis.set_title("Accuracy of the groups together", fontsize=10)
    axis.legend(fontsize=8)


def _bytes(axis: Any, results: CostResults) -> None:
    for number, slices in enumerate(_slices(results)):
        found = [one for one in results.trainings if one.slices == slices]
        axis.plot(
            _places(results, found),
            [one.bytes.mean / 1e6 for one in found],
            label=_count(slices, "slice"),
            **{name: one for name, one in _style(number).items() if name in PLAIN},
        )
    _by_groups(axis, results)
    _logarithmic(axis, "y")
    axis.set_ylabel("MB of weights and kept states")
    axis.set_title("Checkpoints", fontsize=10)
    axis.legend(fontsize=8)


PLAIN = ("color", "marker", "markersize", "linewidth")
"""What of a style goes without error bars."""


DASHES: dict[str, Any] = {"linestyle": "--", "linewidth": 1, "zorder": 1}


def _against_groups(
    axis: Any,
    results: CostResults,
    found: Sequence[RequestCost],
    number: int,
    lines: int,
    label: str,
) -> None:
    """Records seen for one request, by groups, and what was expected."""
    places = _places(results, found, number, lines)
    axis.errorbar(
        places,
        [one.records_share.mean for one in found],
        yerr=_bars([one.records_share for one in found]),
        label=label,
        **_style(number),
    )
    axis.plot(places, [one.expected_share for one in found], **_formula(number))


def _logarithmic(axis: Any, *which: str) -> None:
    """Powers of ten, twice and five times them, in plain digits."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for name in which:
        axis.set(**{f"{name}scale": "log"})
        line = axis.xaxis if name == "x" else axis.yaxis
        line.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        line.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        line.set_minor_formatter(NullFormatter())


def _style(number: int) -> dict[str, Any]:
    return {
        "color": COLOURS[number % len(COLOURS)],
        "marker": MARKERS[number % len(MARKERS)],
        "markersize": 5,
        "linewidth": 1.2,
        "elinewidth": 1,
        "capsize": 3,
    }


def _formula(number: int) -> dict[str, Any]:
    """Of what was expected of a line; the first names them all."""
    style = {**DASHES, "color": COLOURS[number % len(COLOURS)], "alpha": 0.7}
    return style if number else {**style, "label": "expected (formula)"}


def _by_groups(axis: Any, results: CostResults) -> None:
    groups = _groups(results)
    axis.set_xticks(range(len(groups)), [str(one) for one in groups])
    axis.set_xlim(-0.4, len(groups) - 0.6)
    axis.set_xlabel("groups")


def _places(
    results: CostResults, found: Iterable[Any], number: int = 0, lines: int = 1
) -> list[float]:
    """Where the groups of ``found`` stand; lines beside each other where many would meet."""
    order = _groups(results)
    shift = (number - (lines - 1) / 2) * 0.1
    return [order.index(one.groups) + shift for one in found]


def _groups(results: CostResults) -> list[int]:
    return sorted({one.groups for one in results.trainings})


def _slices(results: CostResults) -> list[int]:
    return sorted({one.slices for one in results.trainings})


def _single_requests(results: CostResults) -> list[RequestCost]:
    return [one for one in results.requests if one.share is None]


def _of(requests: Iterable[RequestCost], slices: int) -> list[RequestCost]:
    found = [one for one in requests if one.slices == slices]
    return sorted(found, key=lambda one: (one.groups, one.requests))


def _bars(means: Sequence[Mean], unit: float = 1.0) -> list[list[float]]:
    """How far intervals reach below and above the means; never to 0, where a log axis ends."""
    below = [0.0 if one.low is None else min(one.mean - one.low, 0.99 * one.mean) for one in means]
    above = [0.0 if one.high is None else one.high - one.mean for one in means]
    return [[one / unit for one in below], [one / unit for one in above]]


def _count(number: int, what: str) -> str:
    return f"{number} {what}" + ("s" if number > 1 else "")
