"""A study: a config of which one setting, or a pair of them, takes several values.

Its file is a config with a key ``study`` beside the others. Every value is run with every seed,
and a seed draws a target and shadows of its own. A study of ``kind: cost`` is of what deletion
costs (:mod:`mia_dual.cost_settings`): groups and slices vary, and nothing is attacked.
"""

from __future__ import annotations

import copy
import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Optional, Union

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    ValidationError,
    field_validator,
    model_validator,
)

from mia_dual.complaints import complaint
from mia_dual.config import Config, checked, put, read_settings
from mia_dual.cost_settings import CostSettings
from mia_dual.errors import ConfigError
from mia_dual.quoting import one_line, quoted
from mia_dual.setting_types import Name, Seed
from mia_dual.shipped import FOLDERS
from mia_dual.yaml_file import write_yaml

STUDIES = tuple(folder / "studies" for folder in FOLDERS)
"""Where the studies lie that have a name."""

Across = Literal["value", "deleted", "gap", "train_accuracy", "test_accuracy"]
Drawn = Literal[
    "train_accuracy",
    "test_accuracy",
    "gap",
    "auc",
    "tpr",
    "deleted_accuracy",
    "auc_deleted",
    "auc_deleted_before",
    "auc_deleted_change",
]
ABOUT_DELETION = ("deleted_accuracy", "auc_deleted", "auc_deleted_before", "auc_deleted_change")


class StudySettings(BaseModel):
    """What varies, and what is drawn of what comes of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    key: tuple[Name, ...] = Field(
        (),
        max_length=2,
        description="the setting that varies, as target.epochs, or a list of two: every pair of "
        "their values is run; none: each value says its settings itself",
    )
    values: tuple[Any, ...] = Field(
        min_length=2,
        description="those of the key; for two keys a list of values each; for none of them "
        "settings, as {target.network: fcnet, target.epochs: 5}",
    )
    names: tuple[Union[Name, StrictInt, StrictFloat], ...] = Field(
        (), description="of the values, in words or numbers; none: as they are written"
    )
    label: Optional[Name] = Field(None, description="what the values are, in words; null: the key")
    seeds: tuple[Seed, ...] = Field((0, 1, 2), min_length=2, max_length=100)
    x: Across = Field(
        "value", description="drawn across: the values, the share deleted, or what was measured"
    )
    y: tuple[Drawn, ...] = Field(
        ("auc",),
        min_length=1,
        description="drawn upwards, a panel each; the first two are put in words",
    )

    @field_validator("key", mode="before")
    @classmethod
    def _one_or_many(cls, key: Any) -> Any:
        return [key] if isinstance(key, str) else key

    @field_validator("key")
    @classmethod
    def _is_a_setting(cls, keys: tuple[str, ...]) -> tuple[str, ...]:
        for key in keys:
            if key == "seed" or not all(key.split(".")):
                raise ValueError("name a setting, as target.epochs; seeds stand in study.seeds")
        return keys

    @field_validator("names", "seeds", "y")
    @classmethod
    def _once(cls, values: tuple[Any, ...]) -> tuple[Any, ...]:
        return _without_twins(values)

    @model_validator(mode="after")
    def _values_fit_the_key(self) -> StudySettings:
        if not self.key:
            for value in self.values:
                if not isinstance(value, dict) or not value:
                    raise ValueError(
                        f"study.values: {quoted(value)} names no setting: name one in study.key, "
                        "or write values as {target.epochs: 5}"
                    )
        if len(self.key) == 2 and not (
            len(self.values) == 2 and all(isinstance(each, list) and each for each in self.values)
        ):
            raise ValueError("study.values: for two keys write two lists, the values of each")
        for each in self.values if len(self.key) == 2 else [self.values]:
            _without_twins(each, "study.values: ")
        if self.names and (len(self.key) == 2 or len(self.names) != len(self.values)):
            raise ValueError("study.names: write as many as values, and none for two keys")
        for drawn in self.y:
            if drawn in ABOUT_DELETION and self.x != "deleted":
                raise ValueError(f"study.y: {drawn} is of deletions: it goes with x: deleted")
        return self


def _without_twins(values: Sequence[Any], place: str = "") -> Any:
    for number, value in enumerate(values):
        if value in values[:number]:
            raise ValueError(f"{place}it names one twice ({quoted(value)})")
    return values


@dataclass(frozen=True)
class Variation:
    """One value, or pair of values: its name, and the settings that make it.

    ``number`` places it on an axis; None where it is no number. ``series``: the second value of a
    pair, empty where there is none; ``across``: the first, or the whole name.
    """

    name: str
    across: str
    series: str
    number: Optional[float]
    settings: dict[str, Any]

    def written(self) -> str:
        """The settings, as a message names them."""
        return ", ".join(f"{key}={quoted(value)}" for key, value in self.settings.items())


@dataclass(frozen=True)
class StudyRun:
    """A variation with a seed, as a config; ``folder`` is the name of its run folder."""

    variation: Variation
    seed: int
    folder: str
    config: Config


@dataclass(frozen=True)
class Study:
    """A study whose every run is known to be a sound config."""

    name: str
    settings: StudySettings
    base: Mapping[str, Any]
    runs: tuple[StudyRun, ...]

    def to_yaml(self) -> str:
        """What its folder keeps of it: as its file, with what else was said of it."""
        return write_yaml({**self.base, "study": self.settings.model_dump(mode="json")})


@dataclass(frozen=True)
class CostStudy:
    """A study of what deletion costs, whose every run is known to be a sound config."""

    name: str
    settings: CostSettings
    base: Mapping[str, Any]
    runs: tuple[StudyRun, ...]

    def to_yaml(self) -> str:
        """What its folder keeps of it: as its file, with what else was said of it."""
        return write_yaml({**self.base, "study": self.settings.model_dump(mode="json")})


def load_study(
    name: str, assignments: Iterable[str] = (), options: Mapping[str, Any] = {}
) -> Union[Study, CostStudy]:
    """The study called ``name``, or in the YAML file ``name``; for the rest see
    :func:`mia_dual.config.load_config`.

    Raises ConfigError naming what is wrong, and of a value that no config takes, that value.
    """
    file = _find(name)
    base = read_settings(file, assignments, options)
    if "study" not in base:
        raise ConfigError(
            f"config {quoted(str(file), 200)} is no study: it needs study: "
            "{key: target.epochs, values: [5, 20]}"
        )
    found = base.pop("study")
    of_cost = isinstance(found, dict) and "kind" in found
    settings = _checked(found, _CostFile if of_cost else _File)
    if "seed" in base:
        raise ConfigError("seed: a study has several: write them in study.seeds")
    checked(base)
    if isinstance(settings, CostSettings):
        runs = _each(base, _grouped(settings), settings.seeds)
        return CostStudy(file.stem, settings, base, tuple(map(_countable, runs)))
    runs = _each(base, _variations(settings), settings.seeds)
    return Study(file.stem, settings, base, tuple(_checked_runs(runs, settings)))


def study_names() -> list[str]:
    """The studies that have a name."""
    return sorted({file.stem for folder in STUDIES for file in folder.glob("*.yaml")})


def _find(name: str) -> Path:
    if Path(name).suffix in (".yaml", ".yml"):
        return Path(name)
    for folder in STUDIES:
        if name in study_names() and (folder / f"{name}.yaml").is_file():
            return folder / f"{name}.yaml"
    raise ConfigError(
        f"no study {quoted(name)}: choose one of {', '.join(study_names())}, or name a file, "
        "as mine.yaml"
    )


class _File(BaseModel):
    study: StudySettings


class _CostFile(BaseModel):
    study: CostSettings


def _checked(
    settings: Any, kind: type[Union[_File, _CostFile]]
) -> Union[StudySettings, CostSettings]:
    try:
        return kind.model_validate({"study": settings}).study
    except ValidationError as error:
        raise ConfigError(complaint(error, kind)) from error


def _each(
    base: Mapping[str, Any], variations: Iterable[Variation], seeds: Sequence[int]
) -> Iterator[StudyRun]:
    """Each of ``variations`` with each seed."""
    taken: set[str] = set()
    for variation in variations:
        slug = re.sub(r"[^\w.+-]+", "-", variation.name, flags=re.ASCII).strip("-.")[:60] or "value"
        while slug.lower() in taken:
            slug += "+"
        taken.add(slug.lower())
        for seed in seeds:
            whole = {**copy.deepcopy(dict(base)), "seed": seed}
            try:
                for key, value in variation.settings.items():
                    put(whole, key, value)
                config = checked(whole)
            except ConfigError as error:
                raise ConfigError(f"study value {variation.written()}: {error}") from error
            yield StudyRun(variation, seed, f"{slug}-seed{seed}", config)


def _checked_runs(runs: Iterable[StudyRun], settings: StudySettings) -> Iterator[StudyRun]:
    for run in runs:
        if settings.x == "deleted" and not run.config.deletion.ratios:
            raise ConfigError(
                "study.x: deleted needs shares to delete: name some in deletion.ratios"
            )
        yield run


def _countable(run: StudyRun) -> StudyRun:
    if run.config.targets > 1 or run.config.target.weights is not None:
        raise ConfigError(
            "study.kind: cost is of one target that is trained here: leave out targets and "
            "target.weights"
        )
    return run


def _grouped(settings: CostSettings) -> Iterator[Variation]:
    """Every number of groups with every number of slices; requests come from the study alone."""
    for groups, slices in itertools.product(settings.groups, settings.slices):
        across = f"{groups} group" + ("s" if groups > 1 else "")
        series = f"{slices} slice" + ("s" if slices > 1 else "")
        chosen = {
            "deletion.groups": groups,
            "deletion.slices": slices,
            "deletion.ratios": [],
            "deletion.methods": ["full", "grouped"],
            "deletion.fitted_on": "single",
        }
        yield Variation(f"{across}, {series}", across, series, groups, chosen)


def _variations(settings: StudySettings) -> Iterator[Variation]:
    if len(settings.key) == 2:
        first, second = settings.key
        for one, other in itertools.product(*settings.values):
            across, series = _name(one), _name(other)
            name = f"{across}, {series}"
            yield Variation(name, across, series, _number(one), {first: one, second: other})
        return
    for place, value in enumerate(settings.values):
        called = settings.names[place] if settings.names else value
        name = _name(called)
        chosen = {settings.key[0]: value} if settings.key else dict(value)
        yield Variation(name, name, "", _number(called), chosen)


def _number(value: Any) -> Optional[float]:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _name(value: Any) -> str:
    """A value in few words: ``0.1``, ``fcnet``, ``network=fcnet, epochs=5``."""
    if isinstance(value, dict):
        words = (f"{key.rpartition('.')[2]}={_name(each)}" for key, each in value.items())
        return one_line(", ".join(words), 100)
    if isinstance(value, list):
        return one_line(" ".join(map(_name, value)), 100)
    return one_line(value if isinstance(value, str) else quoted(value), 100)
