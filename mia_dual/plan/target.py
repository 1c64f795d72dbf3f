"""One target of a plan: its own model, its groups, and what each deletion retrains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Optional

import numpy as np

from mia_dual.config import Config
from mia_dual.deletion.ledger import Entry
from mia_dual.plan.groups import draw_groups
from mia_dual.plan.plan import (
    FIRST,
    Method,
    PlannedDeletion,
    PlannedModel,
    PlannedTarget,
    Version,
    of_target,
)
from mia_dual.plan.requests import Request, draw_requests
from mia_dual.plan.splits import Membership


@dataclass(frozen=True)
class DraftedTarget:
    """A target, the models trained for it, its versions and its deletions."""

    target: PlannedTarget
    models: list[PlannedModel]
    versions: list[Version]
    deletions: list[PlannedDeletion]


class TargetDraft:
    """Drafts the target ``number`` of ``config``; ``trained_on`` are all records that its model
    learns from, ``asked`` those that each of its models is asked about.
    """

    def __init__(
        self,
        config: Config,
        number: int,
        membership: Membership,
        trained_on: np.ndarray,
        asked: np.ndarray,
    ) -> None:
        self._config, self._asked = config, asked
        self._membership, self._trained_on = membership, trained_on
        self._name = f"{FIRST}-{number:02d}" if number else FIRST
        self._models: list[PlannedModel] = []
        self._versions: list[Version] = []
        self._deletions: list[PlannedDeletion] = []

    def draft(
        self,
        recipes: tuple[str, str],
        labels: np.ndarray,
        features: Optional[np.ndarray],
        ledger: Sequence[Entry] = (),
    ) -> DraftedTarget:
        """The target; ``recipes`` are those of its own model, and of what is retrained.

        ``labels`` and ``features`` are those of all records, and ``ledger`` what was deleted by
        request, as :func:`draft_plan` takes them.
        """
        config, wanted = self._config, self._config.deletion
        own, retrained = recipes
        draws = () if self._name == FIRST else (self._name,)
        members = self._membership.members
        needs_groups = "grouped" in wanted.methods or wanted.placement == "concentrated"
        groups = draw_groups(config, self._trained_on, *draws) if needs_groups else []
        # Only audited members are deleted, since it is on them that a deletion is measured.
        audited = [np.intersect1d(group, members) for group in groups]
        requests = draw_requests(config, members, labels, audited, features, *draws)
        self._models.append(PlannedModel(self._name, "target", own, self._trained_on, self._asked))
        self._add_version("original", (self._name,))
        if requests and "full" in wanted.methods:
            self._draft_full(retrained, requests)
        names: list[str] = []
        if (requests or ledger) and "grouped" in wanted.methods:
            names = self._draft_grouped(retrained, requests, groups)
        asked = self._draft_asked(retrained, ledger, names, groups)
        target = PlannedTarget(self._name, self._membership, tuple(groups), (*requests, *asked))
        return DraftedTarget(target, self._models, self._versions, self._deletions)

    def _draft_full(self, recipe: str, requests: list[Request]) -> None:
        for request in requests:
            name = f"full-{request.slug}"
            left = np.setdiff1d(self._trained_on, request.deleted)
            model = self._add_model(name, "full", recipe, left)
            self._add_version(name, (model,), fresh=(model,))
            self._add_deletion(request, "full", "original", name)

    def _draft_asked(
        self,
        recipe: str,
        ledger: Sequence[Entry],
        names: list[str],
        groups: list[np.ndarray],
    ) -> list[Request]:
        """The requests of ``ledger``, each upon those before it.

        ``names`` are the models of ``groups``; none where nothing is grouped.
        """
        asked = []
        gone = self._trained_on[:0]
        in_force = {"full": "original", "grouped": "groups"}
        models = dict(enumerate(names))
        for entry in ledger:
            records = np.array(entry.records, np.int64)
            gone = np.union1d(gone, records)
            left = np.setdiff1d(self._membership.members, gone)
            request = Request(f"request {entry.number}", records, left)
            asked.append(request)
            if "full" in self._config.deletion.methods:
                name = f"full-{request.slug}"
                model = self._add_model(name, "full", recipe, np.setdiff1d(self._trained_on, gone))
                self._add_version(name, (model,), fresh=(model,))
                self._add_deletion(request, "full", in_force["full"], name)
                in_force["full"] = name
            if names:
                before, in_force["grouped"] = in_force["grouped"], f"grouped-{request.slug}"
                models = self._delete_grouped(recipe, request, before, models, groups, gone)
        return asked

    def _draft_grouped(
        self, recipe: str, requests: list[Request], groups: list[np.ndarray]
    ) -> list[str]:
        """Groups, and what each of ``requests`` retrains; gives the names of the groups' models."""
        names = [
            self._add_model(f"group-{number:02d}", "group", recipe, group)
            for number, group in enumerate(groups)
        ]
        aggregation = self._config.deletion.aggregation
        self._add_version("groups", tuple(names), aggregation)
        for request in requests:
            models = dict(enumerate(names))
            self._delete_grouped(recipe, request, "groups", models, groups, request.deleted)
        return names

    def _delete_grouped(
        self,
        recipe: str,
        request: Request,
        before: str,
        models: dict[int, str],
        groups: list[np.ndarray],
        gone: np.ndarray,
    ) -> dict[int, str]:
        """Carry out ``request`` on the version ``before``, whose groups' ``models`` are by number.

        ``gone``: all that is deleted with it. Gives the models after it, those retrained last; a
        group without records has none.
        """
        hit = [number for number in models if np.isin(request.deleted, groups[number]).any()]
        kept = {number: name for number, name in models.items() if number not in hit}
        left = {number: np.setdiff1d(groups[number], gone) for number in hit}
        fresh = {
            number: self._add_model(f"group-{number:02d}-{request.slug}", "group", recipe, rows)
            for number, rows in left.items()
            if len(rows)
        }
        name, retrained = f"grouped-{request.slug}", tuple(fresh.values())
        joined = (*kept.values(), *retrained)
        self._add_version(name, joined, self._config.deletion.aggregation, retrained)
        self._add_deletion(request, "grouped", before, name)
        return {**kept, **fresh}

    def _add_model(
        self, name: str, role: Literal["full", "group"], recipe: str, rows: np.ndarray
    ) -> str:
        named = of_target(self._name, name)
        self._models.append(PlannedModel(named, role, recipe, rows, self._asked))
        return named

    def _add_version(
        self,
        name: str,
        models: tuple[str, ...],
        aggregation: Optional[Literal["mean", "vote"]] = None,
        fresh: tuple[str, ...] = (),
    ) -> None:
        named = of_target(self._name, name)
        self._versions.append(Version(named, models, aggregation, fresh, self._name))

    def _add_deletion(self, request: Request, method: Method, before: str, after: str) -> None:
        self._deletions.append(
            PlannedDeletion(
                request,
                method,
                of_target(self._name, before),
                of_target(self._name, after),
                self._name,
            )
        )
