"""A finished run, read from its folder alone: no framework, no data set, no store.

Whatever is not as a run leaves it is refused with a line that names the folder and the file.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Optional

import numpy as np
import safetensors
import safetensors.numpy
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mia_dual.answers import Answers
from mia_dual.attacks.cuts import CUTS
from mia_dual.config import NO_BACKEND, Config, load_config
from mia_dual.data.archive import opened
from mia_dual.data.npy import mapped
from mia_dual.deletion.ledger import REQUEST
from mia_dual.deletion.versions import version_logits
from mia_dual.deletion_settings import Aggregation
from mia_dual.errors import ConfigError, DataError, StoreError
from mia_dual.interface import Weights
from mia_dual.metrics.ranking import Roc
from mia_dual.plan.plan import FIRST, Role, Version
from mia_dual.plan.requests import Request, slug_of
from mia_dual.plan.splits import Membership
from mia_dual.quoting import quoted
from mia_dual.report.results import SCHEMA_VERSION, DeletionResult, Results
from mia_dual.rows import RowSet
from mia_dual.store.files import checksum_of
from mia_dual.store.folder import read_index
from mia_dual.walks.scoring import CUTS_OF, Scores

MOST_SLICES = 1000
"""Of a group, as ``deletion.slices`` has it."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class PlannedModel(_Part):
    """A model as ``plan.json`` names it; ``slices``: how many, 0 where it is trained without."""

    role: Role
    recipe: str
    slices: int = Field(ge=0, le=MOST_SLICES)
    drawn_as: str


class PlannedVersion(_Part):
    """A version as ``plan.json`` names it; see :class:`mia_dual.plan.plan.Version`."""

    models: tuple[str, ...] = Field(min_length=1)
    aggregation: Optional[Aggregation]
    retrained: tuple[str, ...]
    target: str
    sizes: tuple[int, ...]


class PlannedDeletion(_Part):
    """A deletion as ``plan.json`` names it."""

    request: str
    method: str
    before: str
    after: str
    target: str


class DeletionCost(_Part):
    """What ``cost.json`` says that one of the planned deletions took of the backend."""

    request: str
    method: str
    seconds: float = Field(ge=0)
    steps: int = Field(ge=0)


class PlanDocument(_Part):
    """What is read of ``plan.json``."""

    models: dict[str, PlannedModel]
    versions: dict[str, PlannedVersion]
    deletions: tuple[PlannedDeletion, ...]


class FinishedRun:
    """The run in folder ``path``: ``config``, ``results``, ``environment`` (flat texts), ``plan``,
    ``targets`` (record indices, by name), ``requests`` (by target and name), ``scores``, and
    ``labels`` (int64, of all records up to the last one under audit; -1 for those that are not).

    Answers and weights are read when they are asked for. Raises StoreError where the folder holds
    no run, one that is not finished, of another schema, or damaged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._check_folder()
        self.results = self._results()
        self.config = self._config()
        self.environment = self._environment()
        self.plan = self._plan()
        self._linked = read_index(path / "index.jsonl")
        self._checked: set[str] = set()
        self._rows = self._plan_arrays()
        self.targets = {
            name: Membership(self._rows[inside].rows, self._rows[outside].rows)
            for name in self._target_names()
            for inside, outside in [_membership_arrays(name)]
        }
        self.requests = {
            (deletion.target, deletion.request): Request(
                deletion.request,
                *(self._rows[name].rows for name in self._request_arrays(deletion)),
            )
            for deletion in self.plan.deletions
        }
        self.scores, self.labels = self._scores()

    @property
    def versions(self) -> dict[str, Version]:
        """The versions of the target, by name."""
        return {
            name: Version(
                name,
                version.models,
                version.aggregation,
                version.retrained,
                version.target,
                version.sizes,
            )
            for name, version in self.plan.versions.items()
        }

    @property
    def target(self) -> Membership:
        """The first target's records, which are those of all."""
        return self.targets[FIRST]

    def deletions(self) -> list[tuple[list[PlannedDeletion], DeletionResult]]:
        """What one method did with one request, and what results tell of it: one of each target,
        but for those that hold no record of a ledger's request.
        """
        alike: dict[tuple[str, str], list[PlannedDeletion]] = {}
        for deletion in self.plan.deletions:
            alike.setdefault((deletion.request, deletion.method), []).append(deletion)
        told: dict[tuple[str, str], DeletionResult] = {
            (found.request, found.method): found
            for found in (*self.results.deletion, *self.results.compared)
        }
        return [(deletions, told[name]) for name, deletions in alike.items()]

    def curves(self) -> dict[str, Roc]:
        """The ROC curve of each attack on the original that has one, over all targets."""
        attacks = [name for name, found in self.results.attacks.items() if found.auc is not None]
        arrays = self._arrays(
            "roc.npz", [f"{name}/{part}" for name in attacks for part in Roc._fields]
        )
        curves = {
            name: Roc(*(arrays[f"{name}/{part}"] for part in Roc._fields)) for name in attacks
        }
        for name, curve in curves.items():
            shapes = {part.shape for part in curve}
            are_floats = all(part.dtype == np.float64 for part in curve)
            if len(shapes) != 1 or curve.fpr.ndim != 1 or not len(curve.fpr) or not are_floats:
                raise self._damaged("roc.npz", f"'{name}' is no curve")
        return curves

    def costs(self) -> list[tuple[PlannedDeletion, DeletionCost]]:
        """What each planned deletion took, of each target."""
        if not self.plan.deletions:
            return []
        content = self._json("cost.json")
        found = content.get("deletion") if isinstance(content, dict) else None
        if not isinstance(found, list) or len(found) != len(self.plan.deletions):
            raise self._damaged("cost.json", "its deletions are not those in plan.json")
        try:
            costs = [DeletionCost.model_validate(one) for one in found]
        except ValidationError as error:
            raise self._damaged("cost.json", _first(error)) from error
        pairs = list(zip(self.plan.deletions, costs))
        if any((one.request, one.method) != (cost.request, cost.method) for one, cost in pairs):
            raise self._damaged("cost.json", "its deletions are not those in plan.json")
        return pairs

    def members(self, model: str) -> np.ndarray:
        """The records ``model`` was trained on: sorted int64."""
        return self._rows[f"members/{model}"].rows

    def slices(self, model: str) -> tuple[np.ndarray, ...]:
        """The members of ``model`` in the order in which training comes to them, sorted int64
        each; none where they come all at once.
        """
        return tuple(self._rows[name].rows for name in self._slice_arrays(model))

    def asked(self, model: str) -> np.ndarray:
        """The records ``model`` was asked about: sorted int64."""
        return self._rows[f"asked/{model}"].rows

    def seen(self, version: str, rows: np.ndarray) -> np.ndarray:
        """(rows,) bool: whether some model of ``version`` was trained on the record."""
        models = self.plan.versions[version].models
        return np.isin(rows, np.concatenate([self.members(model) for model in models]))

    def logits(self, version: str, rows: np.ndarray) -> np.ndarray:
        """What ``version`` says of ``rows``; see :func:`version_logits`."""
        found = self.versions[version]
        return version_logits(found, self.answers(found.models), rows)

    def answers(self, models: Iterable[str]) -> Answers:
        """The table of logits of ``models``, memory-mapped."""
        models = list(models)
        return Answers(
            {model: self.asked(model) for model in models},
            {model: self._answers(model) for model in models},
            {},
        )

    def model_names(self) -> list[str]:
        """The files of ``models/`` that hold weights: of the plan's models, then of attacks."""
        there = {file.stem for file in (self.path / "models").glob("*.safetensors")}
        planned = [name for name in self.plan.models if name in there]
        return planned + sorted(there.difference(planned))

    def weights(self, model: str) -> Weights:
        """The weights of ``model``, one of :meth:`model_names`."""
        name = f"models/{model}.safetensors"
        self._check_sum(name)
        try:
            return safetensors.numpy.load_file(self.path / name)
        except (OSError, ValueError, TypeError, KeyError, safetensors.SafetensorError) as error:
            raise self._damaged(name, str(error)) from error

    def _answers(self, model: str) -> np.ndarray:
        name = f"answers/{model}.npy"
        self._check_sum(name)
        try:
            logits = mapped(self.path / name)
        except (OSError, ValueError) as error:
            raise self._damaged(name, getattr(error, "strerror", None) or str(error)) from error
        expected = (len(self.asked(model)), self.results.data.classes)
        if logits.shape != expected or logits.dtype != np.float32:
            raise self._damaged(
                name, f"it is {logits.dtype} {logits.shape}, where plan.npz asks for {expected}"
            )
        return logits

    def _check_sum(self, name: str) -> None:
        """Compare a linked file's content with what was written, once."""
        entry = self._linked.get(name)
        if entry is None or name in self._checked:
            return
        try:
            same = checksum_of(self.path / name) == entry.sha256
        except OSError as error:
            raise self._damaged(name, error.strerror or "the system refuses it") from error
        if not same:
            raise self._damaged(name, "it is not what was written there")
        self._checked.add(name)

    def _check_folder(self) -> None:
        if not self.path.is_dir():
            raise StoreError(f"'{self.path}' is no run folder: it is no folder at all")
        if not (self.path / "config.yaml").is_file():
            raise StoreError(
                f"'{self.path}' is no run folder (it has no config.yaml): name a folder that "
                "mia-dual run wrote"
            )
        if not (self.path / "results.json").exists():
            raise StoreError(
                f"run '{self.path}' is not finished (it has no results.json): the command that "
                "began it goes on with it"
            )

    def _results(self) -> Results:
        content = self._json("results.json")
        version = content.get("schema_version") if isinstance(content, dict) else None
        if isinstance(version, int) and version != SCHEMA_VERSION:
            raise StoreError(
                f"run '{self.path}' has results of schema version {quoted(version)}, and this "
                f"version of mia-dual reads {SCHEMA_VERSION}: run it again with this one"
            )
        try:
            return Results.model_validate(content)
        except ValidationError as error:
            raise self._damaged("results.json", _first(error)) from error

    def _config(self) -> Config:
        try:
            return load_config(self.path / "config.yaml")
        except ConfigError as error:
            raise self._damaged("config.yaml", str(error)) from error

    def _environment(self) -> dict[str, str]:
        content = self._json("environment.json")
        if not isinstance(content, dict):
            raise self._damaged("environment.json", "it holds no keys")
        if content == {"backend": NO_BACKEND}:
            return {"backend": NO_BACKEND}
        found: dict[str, str] = {}
        for part in ("environment", "installed", "asked"):
            values = content.get(part)
            if not isinstance(values, dict):
                raise self._damaged("environment.json", f"'{part}' is no table")
            for key, value in values.items():
                # What was found out says more than what was asked for.
                found.setdefault(key, str(value))
        return found

    def _plan(self) -> PlanDocument:
        try:
            plan = PlanDocument.model_validate(self._json("plan.json"))
        except ValidationError as error:
            raise self._damaged("plan.json", _first(error)) from error
        for version in plan.versions.values():
            if not plan.models.keys() >= {*version.models, *version.retrained}:
                raise self._damaged("plan.json", "a version is of models it does not name")
        for deletion in plan.deletions:
            if not plan.versions.keys() >= {deletion.before, deletion.after}:
                raise self._damaged("plan.json", "a deletion is of versions it does not name")
        targets = {version.target for version in plan.versions.values()}
        if FIRST not in targets or not targets >= {one.target for one in plan.deletions}:
            raise self._damaged("plan.json", "a deletion is of a target it does not name")
        results = (*self.results.deletion, *self.results.compared)
        told = [(found.request, found.method) for found in results]
        planned = {(deletion.request, deletion.method) for deletion in plan.deletions}
        if len(told) != len(planned) or set(told) != planned:
            raise self._damaged("plan.json", "its deletions are not those of results.json")
        for model in plan.models:
            if model in (".", "..") or "/" in model or "\\" in model or not model.isprintable():
                raise self._damaged("plan.json", f"{quoted(model)} is no name of a model")
        return plan

    def _target_names(self) -> list[str]:
        """Every target by name, the first one first."""
        return list(dict.fromkeys(version.target for version in self.plan.versions.values()))

    def _plan_arrays(self) -> dict[str, RowSet]:
        names = [array for name in self._target_names() for array in _membership_arrays(name)]
        for model in self.plan.models:
            names += [f"members/{model}", f"asked/{model}", *self._slice_arrays(model)]
        names += [name for one in self.plan.deletions for name in self._request_arrays(one)]
        found: dict[str, RowSet] = {}
        # One after another: of many models they are large as indices.
        for name, rows in self._each("plan.npz", names):
            # A draw among all records may hold no other than members, and a slice lose them all.
            least = 0 if "unseen/" in name or name.startswith("slice/") else 1
            if len(rows) < least or not _are_rows(rows, self.results.data.records):
                raise self._damaged("plan.npz", f"'{name}' holds no sorted record indices")
            found[name] = RowSet(rows)
        for model in self.plan.models:
            parts = [found[name].rows for name in self._slice_arrays(model)]
            if parts and not np.array_equal(
                np.sort(np.concatenate(parts)), found[f"members/{model}"].rows
            ):
                raise self._damaged(
                    "plan.npz", f"the slices of '{model}' do not make up 'members/{model}'"
                )
        return found

    def _slice_arrays(self, model: str) -> list[str]:
        """The arrays of ``plan.npz`` that hold the slices of ``model``."""
        return [f"slice/{model}/{number:03d}" for number in range(self.plan.models[model].slices)]

    def _request_arrays(self, deletion: PlannedDeletion) -> list[str]:
        """The arrays of ``plan.npz`` that hold what is deleted, what is retained, and, where that
        was drawn among all records, what was never seen.
        """
        prefix = "" if deletion.target == FIRST else f"{deletion.target}/"
        slug = slug_of(deletion.request)
        # What a ledger deletes is named among members.
        shared = self.config.deletion.shared and not deletion.request.startswith(REQUEST)
        kinds = ("deleted", "retained", "unseen") if shared else ("deleted", "retained")
        return [f"{prefix}{kind}/{slug}" for kind in kinds]

    def _scores(self) -> tuple[Scores, np.ndarray]:
        attacks = list(self.results.attacks)
        names = [name for attack in attacks for name in (attack, f"{CUTS_OF}{attack}")]
        arrays = self._arrays("scores.npz", ["rows", "labels", "versions", *names])
        rows, named = arrays["rows"], arrays["versions"]
        if rows.dtype != np.int64 or not np.array_equal(rows, np.sort(self.target.rows)):
            raise self._damaged("scores.npz", "its records are not the target's in plan.npz")
        if arrays["labels"].shape != rows.shape or arrays["labels"].dtype != np.int64:
            raise self._damaged("scores.npz", "'labels' are not one a record")
        if not ((arrays["labels"] >= 0) & (arrays["labels"] < self.results.data.classes)).all():
            raise self._damaged("scores.npz", "'labels' are not classes of results.json")
        versions = named.tolist() if named.ndim == 1 and named.dtype.kind == "U" else []
        if sorted(versions) != sorted(self.plan.versions):
            raise self._damaged("scores.npz", "its versions are not those in plan.json")
        without = self._not_on_groups()
        joined = {name for name, one in self.plan.versions.items() if one.aggregation is not None}
        table: dict[str, Mapping[str, np.ndarray]] = {}
        cuts: dict[str, Mapping[str, np.ndarray]] = {}
        for attack in attacks:
            found = arrays[attack]
            if found.shape != (len(versions), len(rows)) or found.dtype != np.float64:
                raise self._damaged("scores.npz", f"'{attack}' is not a score a version and record")
            lacking = joined if attack in without else set()
            scored = {name: row for name, row in zip(versions, found) if name not in lacking}
            if any(np.isnan(row).any() for row in scored.values()):
                raise self._damaged("scores.npz", f"'{attack}' holds NaN")
            table[attack] = scored
            thresholds = arrays[f"{CUTS_OF}{attack}"]
            if thresholds.shape != (len(versions), len(CUTS)) or thresholds.dtype != np.float64:
                raise self._damaged("scores.npz", f"'{attack}' has not {len(CUTS)} thresholds")
            cuts[attack] = {name: row for name, row in zip(versions, thresholds) if name in scored}
        labels = np.full(int(rows[-1]) + 1, -1, np.int64)
        labels[rows] = arrays["labels"]
        return Scores(rows, table, cuts, tuple(versions)), labels

    def _not_on_groups(self) -> set[str]:
        """The attacks that have scores of versions of one model alone."""
        grouped = self.results.grouped
        if grouped is None:
            return set()
        there = grouped.attacks.keys()
        if any(
            found.groups is not None and found.attacks.keys() != there
            for found in self.results.deletion
        ):
            raise self._damaged("results.json", "its deletions are not by the attacks on groups")
        return set(self.results.attacks).difference(there)

    def _arrays(self, file: str, names: Iterable[str]) -> dict[str, np.ndarray]:
        return dict(self._each(file, names, at_once=True))

    def _each(
        self, file: str, names: Iterable[str], at_once: bool = False
    ) -> Iterator[tuple[str, np.ndarray]]:
        """The arrays ``names`` of ``file``, one after another; ``at_once``: all are to be held."""
        names = list(names)
        try:
            with opened(self.path / file) as archive:
                headers = archive.headers(names)
                missing = [name for name in names if name not in headers]
                if missing:
                    raise self._damaged(file, f"it has no array '{missing[0]}'")
                for together in [names] if at_once else [[name] for name in names]:
                    archive.check_memory([headers[name] for name in together])
                    for name in together:
                        yield name, archive.read(name, headers[name])
        except DataError as error:
            raise self._damaged(file, str(error)) from error

    def _json(self, name: str) -> Any:
        try:
            return json.loads((self.path / name).read_text(encoding="utf-8"))
        except OSError as error:
            reason = error.strerror or "the system refuses it"
        except (ValueError, RecursionError):
            reason = "it is not JSON"
        raise self._damaged(name, reason)

    def _damaged(self, name: str, reason: str) -> StoreError:
        return StoreError(
            f"run '{self.path}': {name} is damaged or of another version ({reason}): the command "
            "that made the run makes it again from what is stored"
        )


def run_config(path: Path) -> Config:
    """The config of the run in folder ``path``; StoreError where it holds none."""
    if not (path / "config.yaml").is_file():
        raise StoreError(
            f"'{path}' is no run folder (it has no config.yaml): name a folder that mia-dual run "
            "wrote"
        )
    return load_config(path / "config.yaml")


def _membership_arrays(target: str) -> tuple[str, str]:
    """The arrays of ``plan.npz`` that hold the members and non-members of ``target``."""
    if target == FIRST:
        return "target_members", "target_non_members"
    return f"{target}/members", f"{target}/non_members"


def _are_rows(rows: np.ndarray, records: int) -> bool:
    if rows.ndim != 1 or rows.dtype != np.int64:
        return False
    return not len(rows) or bool(rows[0] >= 0 and rows[-1] < records and (np.diff(rows) > 0).all())


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    place = ".".join(str(part) for part in first["loc"])
    return f"{place}: {first['msg']}" if place else str(first["msg"])
