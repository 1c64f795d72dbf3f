"""The page itself: finished runs as one HTML file that asks nobody for anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional, Union

from mia_dual.data.dataset import Dataset
from mia_dual.report.comparison import Comparison
from mia_dual.report.page.attacks import attack_table
from mia_dual.report.page.compared import pairs_of
from mia_dual.report.page.deletions import cost_table, deletion_table
from mia_dual.report.page.exposed import ExposedRecords, NotHere, exposed_records
from mia_dual.report.page.groups import groups_table
from mia_dual.report.page.ledger import deletions_by_request
from mia_dual.report.page.phrases import Phrases, read_words
from mia_dual.report.page.render import drawn, render, settings_table
from mia_dual.report.page.unfinished import unfinished_part
from mia_dual.report.page.verdict import verdict_on
from mia_dual.report.pictures.picture import Picture
from mia_dual.store.folder import PENDING, flat, read_json
from mia_dual.walks.finished import FinishedRun
from mia_dual.walks.unfinished import UnfinishedRun

READINGS = ("member", "tpr", "auc", "interval", "epsilon", "shadow", "deletion", "cost")


@dataclass(frozen=True)
class Told:
    """A run and what of it goes into a page: its ``pictures``, and the ``data`` that records are
    shown from: None where they are left out, what the page says where it is not here.
    """

    run: FinishedRun
    pictures: Sequence[Picture]
    data: Union[Dataset, NotHere, None]


def make_page(
    told: Sequence[Union[Told, UnfinishedRun]],
    language: str,
    comparison: Optional[Comparison] = None,
    made_from: str = "",
) -> str:
    """The HTML of ``told``, one run or several, in ``language``, with their ``comparison``.

    ``made_from`` is a digest of what it is made from, which the page carries. Raises ConfigError
    for an unknown language.
    """
    say = Phrases(read_words(language))
    parts = [
        _part(one, f"run{place}", say)
        if isinstance(one, Told)
        else unfinished_part(one, f"run{place}", say)
        for place, one in enumerate(told, start=1)
    ]
    any_is_finished = any(part["finished"] for part in parts)
    title = parts[0]["title"] if len(told) == 1 else say("page.runs", count=len(told))
    return render(
        "page.html.j2",
        language,
        say,
        title,
        made_from,
        parts=parts,
        pairs=[] if comparison is None else pairs_of(comparison, say),
        personal=sum(part["records"].contents for part in parts if part.get("records") is not None),
        readings=[say(f"reading.{name}") for name in READINGS if any_is_finished],
    )


def _part(told: Told, name: str, say: Phrases) -> dict[str, Any]:
    """What the template shows of one run; ``name`` begins its anchors."""
    run, results = told.run, told.run.results
    records: Optional[ExposedRecords] = None
    if told.data is not None:
        records = exposed_records(run, told.data, say)
    cost = read_json(run.path / "cost.json")
    return {
        "name": name,
        "finished": True,
        "path": str(run.path),
        "title": say("page.title", network=results.network, data=results.data.name),
        "verdict": verdict_on(results, say),
        "attacks": attack_table(results, say),
        "pictures": [drawn(one, name, say) for one in told.pictures],
        "records": records,
        "deletion": deletion_table(results, say),
        "groups": groups_table(results, say),
        "cost": cost_table(results, cost if isinstance(cost, dict) else {}, say),
        "by_request": deletions_by_request(run.path, say),
        "pending": (run.path / PENDING).exists(),
        "settings": settings_table(flat(run.config.model_dump(mode="json")), say),
        "environment": settings_table(run.environment, say),
    }
