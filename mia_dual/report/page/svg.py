"""Figures as SVG that can stand in an HTML page beside others."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING
from xml.etree import ElementTree

from mia_dual.optional import optional
from mia_dual.report.pictures.picture import DARK, LIGHT, MARKS, Theme, Words

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_REFERENCE = re.compile(r"url\(#([^)]*)\)")
_LEFT_OUT = ("metadata", "style")
"""The page has no use for the first, and the second would style all of it."""

_MARKS = {colour: f"var(--picture-{name})" for name, colour in MARKS.named().items()}
_MARK = re.compile("|".join(_MARKS))


def inline_svg(draw: Callable[[Theme, Words], Figure], words: Words, name: str, label: str) -> str:
    """The figure that ``draw`` gives as an <svg> element; ``name`` begins its ids, so that no two
    figures share one.

    It is drawn once, in the variables of :func:`picture_colours`, which the page sets by theme.
    Text stays text, which the reader's browser sets in a font of its own. ``label`` says to who
    cannot see it what it is. Nothing in it refers to another file.
    """
    stream = io.StringIO()
    style = optional("matplotlib", "a report").rc_context({"svg.fonttype": "none"})
    with style, warnings.catch_warnings():
        # Text is not drawn here, so that a font without Chinese letters lacks nothing.
        warnings.filterwarnings("ignore", message=r"Glyph \d+")
        draw(MARKS, words).savefig(stream, format="svg", metadata={"Date": None}, transparent=True)
    root = ElementTree.fromstring(stream.getvalue())
    _tidy(root, name)
    root.attrib.pop("width", None)
    root.attrib.pop("height", None)
    root.set("role", "img")
    root.set("aria-label", label)
    return ElementTree.tostring(root, encoding="unicode")


def picture_colours() -> str:
    """CSS that gives pictures their colours: light ones, and dark ones on a dark screen."""
    return (
        f":root {{ {_variables(LIGHT)} }}\n"
        f"@media screen and (prefers-color-scheme: dark) {{ :root {{ {_variables(DARK)} }} }}\n"
    )


def _variables(theme: Theme) -> str:
    return " ".join(f"--picture-{name}: {colour};" for name, colour in theme.named().items())


def _tidy(element: ElementTree.Element, name: str) -> None:
    element.tag = element.tag.rpartition("}")[2]
    for key, value in list(element.attrib.items()):
        del element.attrib[key]
        local = key.rpartition("}")[2]
        if local == "id":
            value = f"{name}-{value}"
        elif local == "href" and value.startswith("#"):
            # Elsewhere it is an image within the figure, as a data URI.
            value = f"#{name}-{value[1:]}"
        else:
            value = _REFERENCE.sub(rf"url(#{name}-\1)", value)
        if value in _MARKS:
            # Variables are for styles alone.
            local, value = "style", f"{local}: {value}"
        if local == "style":
            value = _MARK.sub(lambda found: _MARKS[found[0]], value)
        element.set(local, value)
    for child in list(element):
        if child.tag.rpartition("}")[2] in _LEFT_OUT:
            element.remove(child)
        else:
            _tidy(child, name)
