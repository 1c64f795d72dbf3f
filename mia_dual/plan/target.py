"""One target of a plan: its own model, its groups, and what each deletion retrains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Optional

import numpy as np

from mia_dual.config import Config
from mia_dual.deletion.ledger import Entry
from mia_dual.deletion_settings import Aggregation, ApproximateMethod
from mia_dual.plan.groups import Group, draw_groups
from mia_dual.plan.plan import (
    FIRST,
    Method,
    PlannedDeletion,
    PlannedModel,
    PlannedTarget,
    Role,
    Version,
    of_target,
)
from mia_dual.plan.requests import Drawn, Request, draw_requests
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
        exposure: Optional[np.ndarray] = None,
    ) -> DraftedTarget:
        """The target; ``recipes`` are those of its own model, and of what is retrained.

        ``labels``, ``features`` and ``exposure`` are those of all records, and ``ledger`` what was
        deleted by request, as :func:`draft_plan` takes them.
        """
        config, wanted = self._config, self._config.deletion
        own, retrained = recipes
        draws = () if self._name == FIRST else (self._name,)
        members = self._membership.members
        needs_groups = "grouped" in wanted.methods or wanted.placement == "concentrated"
        groups = draw_groups(config, self._trained_on, *draws) if needs_groups else []
        # Only audited members are deleted, since it is on them that a deletion is measured.
        audited = [np.intersect1d(group.records, members) for group in groups]
        drawn = Drawn(self._membership, audited, labels, features, exposure)
        requests = draw_requests(config, drawn, *draws)
        # What goes on from it may keep to what it says of all that it was trained on.
        asked = np.union1d(self._asked, self._trained_on) if wanted.approximate else self._asked
        self._models.append(PlannedModel(self._name, "target", own, self._trained_on, asked))
        self._add_version("original", (self._name,))
        if requests and "full" in wanted.methods:
            self._draft_retrained(retrained, requests, "full")
        names: list[str] = []
        if (requests or ledger or wanted.prepare) and "grouped" in wanted.methods:
            names = self._draft_grouped(retrained, requests, groups)
        if requests and wanted.compares:
            self._draft_retrained(retrained, requests, "reference")
        for method in wanted.approximate:
            self._draft_approximate(retrained, requests, method)
        later = self._draft_asked(retrained, ledger, names, groups)
        target = PlannedTarget(self._name, self._membership, tuple(groups), (*requests, *later))
        return DraftedTarget(target, self._models, self._versions, self._deletions)

    def _draft_retrained(
        self, recipe: str, requests: list[Request], method: Literal["full", "reference"]
    ) -> None:
        for request in requests:
            name = f"{method}-{request.slug}"
            left = np.setdiff1d(self._trained_on, request.deleted)
            model = self._add_model(name, method, recipe, left)
            self._add_version(name, (model,), fresh=(model,))
            self._add_deletion(request, method, "original", name)

    def _draft_approximate(
        self, recipe: str, requests: list[Request], method: ApproximateMethod
    ) -> None:
        for request in requests:
            name = f"{method}-{request.slug}"
            model = self._name
            fresh: tuple[str, ...] = ()
            if method != "nothing":
                # It saw them all, whatever it is trained on now.
                model = of_target(self._name, name)
                fresh = (model,)
                self._models.append(
                    PlannedModel(
                        model,
                        "approximate",
                        recipe,
                        self._trained_on,
                        self._asked,
                        origin=self._name,
                    )
                )
            self._add_version(name, (model,), fresh=fresh)
            self._add_deletion(request, method, "original", name)

    def _draft_asked(
        self,
        recipe: str,
        ledger: Sequence[Entry],
        names: list[str],
        groups: list[Group],
    ) -> list[Request]:
        """The requests of ``ledger`` that name members of this target, each upon those before it.

        ``names`` are the models of ``groups``; none where nothing is grouped. A request deletes
        those of its records that are members; without any, the versions in force stay so.
        """
        asked = []
        gone = self._trained_on[:0]
        in_force = {"full": "original", "grouped": "groups"}
        models = dict(enumerate(names))
        for entry in ledger:
            members = self._membership.members
            records = np.intersect1d(np.array(entry.records, np.int64), members)
            if not len(records):
                continue
            before_it, gone = gone, np.union1d(gone, records)
            left = np.setdiff1d(members, gone)
            request = Request(entry.of, records, left)
            asked.append(request)
            if "full" in self._config.deletion.methods:
                name = f"full-{request.slug}"
                model = self._add_model(name, "full", recipe, np.setdiff1d(self._trained_on, gone))
                self._add_version(name, (model,), fresh=(model,))
                self._add_deletion(request, "full", in_force["full"], name)
                in_force["full"] = name
            if names:
                before, in_force["grouped"] = in_force["grouped"], f"grouped-{request.slug}"
                there = [group.without(before_it) for group in groups]
                models = self._delete_grouped(recipe, request, before, models, there)
        return asked

    def _draft_grouped(
        self, recipe: str, requests: list[Request], groups: list[Group]
    ) -> list[str]:
        """Groups, and what each of ``requests`` retrains; gives the names of the groups' models."""
        names = [
            self._add_group(f"group-{number:02d}", recipe, number, group)
            for number, group in enumerate(groups)
        ]
        self._add_groups("groups", tuple(names))
        for request in requests:
            models = dict(enumerate(names))
            self._delete_grouped(recipe, request, "groups", models, groups)
        return names

    def _delete_grouped(
        self,
        recipe: str,
        request: Request,
        before: str,
        models: dict[int, str],
        groups: list[Group],
    ) -> dict[int, str]:
        """Carry out ``request`` on the version ``before``, whose groups' ``models`` are by number.

        ``groups``: as they are before it. Gives the models after it, those retrained last; a group
        without records has none.
        """
        deleted = request.deleted
        hit = [number for number in models if np.isin(deleted, groups[number].records).any()]
        kept = {number: name for number, name in models.items() if number not in hit}
        fresh = {}
        for number in hit:
            left, name = groups[number].without(deleted), f"group-{number:02d}-{request.slug}"
            if len(left.records):
                untouched = groups[number].untouched(deleted)
                fresh[number] = self._add_group(name, recipe, number, left, untouched)
        name, retrained = f"grouped-{request.slug}", tuple(fresh.values())
        self._add_groups(name, (*kept.values(), *retrained), retrained)
        self._add_deletion(request, "grouped", before, name)
        return {**kept, **fresh}

    def _add_group(
        self, name: str, recipe: str, number: int, group: Group, untouched: int = 0
    ) -> str:
        named = of_target(self._name, name)
        if self._config.deletion.slices == 1:
            return self._add_model(name, "group", recipe, group.records)
        self._models.append(
            PlannedModel(
                named,
                "group",
                recipe,
                group.records,
                self._asked,
                group.slices,
                untouched,
                # What is retrained goes on with the training of the group's first model.
                of_target(self._name, f"group-{number:02d}"),
            )
        )
        return named

    def _add_groups(self, name: str, models: tuple[str, ...], fresh: tuple[str, ...] = ()) -> None:
        records = {model.name: len(model.members) for model in self._models}
        sizes = tuple(records[model] for model in models)
        self._add_version(name, models, self._config.deletion.aggregation, fresh, sizes)

    def _add_model(self, name: str, role: Role, recipe: str, rows: np.ndarray) -> str:
        named = of_target(self._name, name)
        self._models.append(PlannedModel(named, role, recipe, rows, self._asked))
        return named

    def _add_version(
        self,
        name: str,
        models: tuple[str, ...],
        aggregation: Optional[Aggregation] = None,
        fresh: tuple[str, ...] = (),
        sizes: tuple[int, ...] = (),
    ) -> None:
        named = of_target(self._name, name)
        self._versions.append(Version(named, models, aggregation, fresh, self._name, sizes))

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
