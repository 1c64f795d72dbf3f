"""What the page says of a run that has not come to its end."""

from __future__ import annotations

from typing import Any

from mia_dual.report.page.ledger import deletions_by_request
from mia_dual.report.page.phrases import Phrases
from mia_dual.report.page.render import settings_table
from mia_dual.report.page.table import Table
from mia_dual.store.folder import flat
from mia_dual.walks.unfinished import UnfinishedRun


def unfinished_part(run: UnfinishedRun, name: str, say: Phrases) -> dict[str, Any]:
    """What the template shows of ``run``; ``name`` begins its anchors."""
    config = run.config
    sentences = [
        say("unfinished.none")
        if not run.planned
        else say("unfinished.models", made=sum(run.made.values()), all=sum(run.planned.values()))
    ]
    if run.last is not None:
        sentences.append(say("unfinished.last", time=run.last[0], event=run.last[1]))
    sentences.append(say("unfinished.go_on"))
    return {
        "name": name,
        "finished": False,
        "path": str(run.path),
        "title": say("page.title", network=config.target.network, data=config.data.name),
        "headline": say("unfinished.headline"),
        "sentences": sentences,
        "command": run.command,
        "by_request": deletions_by_request(run.path, say) if run.has_ledger else None,
        "models": Table(
            say("unfinished.caption"),
            [say("unfinished.role"), say("unfinished.made"), say("unfinished.planned")],
            [
                (say(f"role.{role}"), str(run.made[role]), str(count))
                for role, count in run.planned.items()
            ],
        ),
        "settings": settings_table(flat(config.model_dump(mode="json")), say),
        "environment": settings_table(run.environment, say),
    }
