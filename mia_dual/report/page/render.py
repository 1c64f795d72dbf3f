"""A page from its template: one HTML file that asks nobody for anything, all of it escaped."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from mia_dual import __version__
from mia_dual.optional import optional
from mia_dual.report.page.phrases import LANGUAGES, Phrases
from mia_dual.report.page.picture_table import picture_table
from mia_dual.report.page.svg import inline_svg, picture_colours
from mia_dual.report.page.table import Table
from mia_dual.report.pictures.picture import Picture


def render(
    template: str, language: str, say: Phrases, title: str, made_from: str, **values: Any
) -> str:
    """The HTML of ``template`` with ``values``; it carries ``made_from``, a digest."""
    jinja = optional("jinja2", "a report")
    environment = jinja.Environment(
        loader=jinja.FunctionLoader(_packaged),
        autoescape=True,
        undefined=jinja.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page: str = environment.get_template(template).render(
        say=say,
        language=LANGUAGES[language],
        title=title,
        made_from=made_from,
        style=_markup(picture_colours() + _packaged("page.css")),
        version=__version__,
        **values,
    )
    return page


def drawn(picture: Picture, part: str, say: Phrases) -> dict[str, Any]:
    """``picture`` as templates take it; ``part`` begins its anchors."""
    # Not as sentences with places to fill: the picture fills its own.
    words = say.words
    title = words[picture.title]
    return {
        "name": f"{part}-picture-{picture.name}",
        "title": title,
        "svg": _markup(inline_svg(picture.draw, words, f"{part}-{picture.name}", title)),
        "reading": words[picture.reading],
        "uncertainty": words[picture.uncertainty],
        "count": len(picture.rows),
        "table": picture_table(picture, say),
    }


def settings_table(values: dict[str, Any], say: Phrases) -> Table:
    """Settings, or what is like them, by their dotted names."""
    return Table(
        "",
        [say("settings.key"), say("settings.value")],
        [(key, say.value(value)) for key, value in values.items()],
    )


def _markup(text: str) -> Any:
    return optional("markupsafe", "a report").Markup(text)


def _packaged(name: str) -> str:
    return (files("mia_dual.report.page") / "templates" / name).read_text(encoding="utf-8")
