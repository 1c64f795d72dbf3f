"""The sheet that pictures are drawn on: a theme's colours, a language's words, and whiskers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Callable, Optional, Union

from mia_dual.optional import optional
from mia_dual.quoting import one_line
from mia_dual.report.figure import canvas, plain
from mia_dual.report.pictures.fonts import readable
from mia_dual.report.pictures.picture import Row, Theme, Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 7.0
"""Inches: 700 pixels at 100 a inch."""

LONGEST = 40
"""Letters of a name beside a panel; more would leave the panel no room."""

MOST_BESIDE = 3
"""Labels of a legend in a line."""

Ends = Optional[tuple[float, float]]


@dataclass(frozen=True)
class Sheet:
    """``panels`` side by side (Matplotlib's Axes), to draw on in ``theme`` and ``words``."""

    theme: Theme
    words: Words
    panels: Sequence[Any]

    def say(self, key: str, **values: Union[str, int, float]) -> str:
        """The text of ``key`` with ``values`` filled in, nothing of it taken for a formula."""
        return plain(self.words[key].format(**values))

    def list_names(self, names: Sequence[str], headings: Sequence[int] = ()) -> None:
        """Put ``names`` beside the first panel, from the top, and what stands under ``headings``
        paler.
        """
        first = self.panels[0]
        first.set_yticks(range(len(names)), [plain(one_line(name, LONGEST)) for name in names])
        # Fonts with Chinese letters often have no bold ones.
        for place, label in enumerate(first.get_yticklabels()):
            if headings and place not in headings:
                label.set_color(self.theme.muted)
        for panel in self.panels:
            panel.set_ylim(len(names) - 0.4, -0.6)
            panel.grid(axis="x")
            panel.tick_params(axis="y", length=0)
            if panel is not first:
                panel.tick_params(axis="y", labelleft=False)

    def guide(self, panel: Any, value: float) -> None:
        """Draw a line where guessing, or what is compared with, lies."""
        panel.axvline(value, color=self.theme.muted, linewidth=1, linestyle=":", zorder=1)

    def percent(self, axis: Any) -> None:
        """Write the shares along ``axis`` as percentages."""
        ticker = optional("matplotlib.ticker", "pictures")
        axis.set_major_locator(ticker.MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(ticker.FuncFormatter(lambda share, _: f"{100 * share:.4g} %"))

    def legend(self) -> None:
        """Put what the panels are labelled with above them, each label once."""
        found: dict[str, Any] = {}
        for panel in self.panels:
            handles, labels = panel.get_legend_handles_labels()
            found.update(zip(labels, handles))
        self.panels[0].figure.legend(
            found.values(),
            found.keys(),
            loc="outside upper center",
            ncols=min(len(found), MOST_BESIDE),
        )


def sheet(
    theme: Theme,
    words: Words,
    paint: Callable[[Sheet], None],
    height: float,
    widths: Sequence[float] = (1.0,),
) -> Figure:
    """A figure ``height`` inches high of as many panels as ``widths``, which ``paint`` fills.

    Raises MissingPackageError where Matplotlib is not installed.
    """
    matplotlib = optional("matplotlib", "pictures")
    texts, families = readable(words)
    with matplotlib.rc_context({**_style(theme), "font.family": families}):
        figure = canvas(figsize=(WIDTH, height), layout="constrained")
        panels = figure.subplots(1, len(widths), squeeze=False, width_ratios=widths)[0]
        paint(Sheet(theme, texts, panels))
        # Ticks are made when they are first laid out, and must be so in this style; what is laid
        # out once need not be so again for every format, and is then drawn but once for each.
        engine = figure.get_layout_engine()
        assert engine is not None
        engine.execute(figure)
        figure.set_layout_engine(None)
    return figure


def whiskers(
    panel: Any,
    places: Sequence[float],
    values: Sequence[Optional[float]],
    ends: Sequence[Ends],
    colour: str,
    label: Optional[str] = None,
    marker: str = "o",
    hollow: bool = False,
) -> None:
    """Draw ``values`` as points, each from end to end of its interval; None is not drawn."""
    for place, value, reach in zip(places, values, ends):
        if value is None:
            continue
        if reach is not None:
            panel.plot(reach, (place, place), color=colour, linewidth=1.4, zorder=2)
        panel.plot(
            value,
            place,
            marker,
            color=colour,
            markersize=5,
            markerfacecolor=panel.get_facecolor() if hollow else colour,
            label=label,
            zorder=3,
        )


def ends_of(row: Row, low: str = "low", high: str = "high") -> Ends:
    """The interval in two columns of ``row``; None where it has none."""
    first, last = number(row[low]), number(row[high])
    return None if first is None or last is None else (first, last)


def number(cell: Union[str, int, float, None]) -> Optional[float]:
    """``cell`` of a row as what is drawn; raises TypeError for a text."""
    if isinstance(cell, str):
        raise TypeError(f"{cell!r} is no number")
    return None if cell is None else float(cell)


def split(ends: Ends) -> tuple[Optional[float], Optional[float]]:
    """``ends`` for two columns of a row."""
    return (None, None) if ends is None else ends


def _style(theme: Theme) -> dict[str, Any]:
    return {
        "font.size": 9,
        # Nor is a layout that the user's own style asks for put in place of ours.
        "figure.autolayout": False,
        "figure.constrained_layout.use": False,
        "figure.constrained_layout.w_pad": 0.07,
        "figure.constrained_layout.h_pad": 0.07,
        "figure.facecolor": theme.paper,
        "axes.facecolor": theme.paper,
        "axes.edgecolor": theme.muted,
        "axes.labelcolor": theme.ink,
        "axes.titlecolor": theme.ink,
        "axes.titlesize": 9,
        "axes.axisbelow": True,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "text.color": theme.ink,
        "xtick.color": theme.muted,
        "ytick.color": theme.muted,
        "xtick.labelcolor": theme.ink,
        "ytick.labelcolor": theme.ink,
        "grid.color": theme.grid,
        "grid.linewidth": 0.7,
        "legend.frameon": False,
        "hatch.color": theme.paper,
        "axes.unicode_minus": True,
    }
