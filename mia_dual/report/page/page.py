"""The page itself: finished runs as one HTML file that asks nobody for anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Optional, Union

from mia_dual import __version__
from mia_dual.data.dataset import Dataset
from mia_dual.optional import optional
from mia_dual.report.comparison import Comparison
from mia_dual.report.page.attacks import attack_table
from mia_dual.report.page.compared import pairs_of
from mia_dual.report.page.deletions import cost_table, deletion_table
from mia_dual.report.page.exposed import ExposedRecords, NotHere, exposed_records
from mia_dual.report.page.groups import groups_table
from mia_dual.report.page.ledger import deletions_by_request
from mia_dual.report.page.phrases import LANGUAGES, Phrases, read_words
from mia_dual.report.page.picture_table import picture_table
from mia_dual.report.page.svg import inline_svg, picture_colours
from mia_dual.report.page.table import Table
from mia_dual.report.page.verdict import verdict_on
from mia_dual.report.pictures.picture import Picture
from mia_dual.store.folder import flat, read_json
from mia_dual.walks.finished import FinishedRun

READINGS = ("member", "tpr", "auc", "interval", "epsilon", "shadow", "deletion", "cost")


@dataclass(frozen=True)
class Told:
    """A run and what of it goes into a page: its ``pictures``, and the ``data`` that records are
    shown from: None where they are left out, what the page says where it is not here.
    """

    run: FinishedRun
    pictures: Sequence[Picture]
    data: Union[Dataset, NotHere, None]


def make_page(told: Sequence[Told], language: str, comparison: Optional[Comparison] = None) -> str:
    """The HTML of ``told``, one run or several, in ``language``, with their ``comparison``.

    Raises ConfigError for an unknown language.
    """
    say = Phrases(read_words(language))
    jinja = optional("jinja2", "a report")
    environment = jinja.Environment(
        autoescape=True, undefined=jinja.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    parts = [_part(one, f"run{place}", say) for place, one in enumerate(told, start=1)]
    first = told[0].run.results
    title = (
        say("page.title", network=first.network, data=first.data.name)
        if len(told) == 1
        else say("page.runs", count=len(told))
    )
    page: str = environment.from_string(_packaged("page.html.j2")).render(
        say=say,
        language=LANGUAGES[language],
        title=title,
        style=optional("markupsafe", "a report").Markup(picture_colours() + _packaged("page.css")),
        version=__version__,
        parts=parts,
        pairs=[] if comparison is None else pairs_of(comparison, say),
        personal=sum(part["records"].contents for part in parts if part["records"] is not None),
        readings=[say(f"reading.{name}") for name in READINGS],
    )
    return page


def _part(told: Told, name: str, say: Phrases) -> dict[str, Any]:
    """What the template shows of one run; ``name`` begins its anchors."""
    run, results = told.run, told.run.results
    records: Optional[ExposedRecords] = None
    if told.data is not None:
        records = exposed_records(run, told.data, say)
    cost = read_json(run.path / "cost.json")
    return {
        "name": name,
        "path": str(run.path),
        "title": say("page.title", network=results.network, data=results.data.name),
        "verdict": verdict_on(results, say),
        "attacks": attack_table(results, say),
        "pictures": [_picture(one, name, say) for one in told.pictures],
        "records": records,
        "deletion": deletion_table(results, say),
        "groups": groups_table(results, say),
        "cost": cost_table(results, cost if isinstance(cost, dict) else {}, say),
        "by_request": deletions_by_request(run.path, say),
        "settings": _settings(flat(run.config.model_dump(mode="json")), say),
        "environment": _settings(run.environment, say),
    }


def _picture(picture: Picture, part: str, say: Phrases) -> dict[str, Any]:
    markup = optional("markupsafe", "a report").Markup
    # Not as sentences with places to fill: the picture fills its own.
    words = say.words
    title = words[picture.title]
    return {
        "name": f"{part}-picture-{picture.name}",
        "title": title,
        "svg": markup(inline_svg(picture.draw, words, f"{part}-{picture.name}", title)),
        "reading": words[picture.reading],
        "uncertainty": words[picture.uncertainty],
        "count": len(picture.rows),
        "table": picture_table(picture, say),
    }


def _settings(values: dict[str, Any], say: Phrases) -> Table:
    return Table(
        "",
        [say("settings.key"), say("settings.value")],
        [(key, say.value(value)) for key, value in values.items()],
    )


def _packaged(name: str) -> str:
    return (files("mia_dual.report.page") / "templates" / name).read_text(encoding="utf-8")
