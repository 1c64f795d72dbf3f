"""The settings of a run: YAML, then ``--set key=value``, then the command line's own options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Optional

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from mia_dual.errors import ConfigError
from mia_dual.networks import NETWORKS, is_factory


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataSettings(_Settings):
    """Which records the audit is about."""

    name: str = Field("digits", description="a set that `mia-dual datasets` lists, or npz")
    file: Optional[Path] = Field(None, description="the .npz file, for name: npz")
    image_size: Optional[int] = Field(
        None, ge=1, description="enlarge smaller images to this side; null: what the network needs"
    )


class SplitSettings(_Settings):
    """How many records each part takes; parts of the target and of the shadows never meet."""

    target_members: int = Field(400, ge=1)
    target_non_members: int = Field(400, ge=1)
    shadow_members: int = Field(400, ge=1)
    shadow_non_members: Optional[int] = Field(
        None, ge=1, description="null: as many as shadow_members"
    )


class TrainingSettings(_Settings):
    """How one model is trained."""

    network: str = Field("convnet", description="a network's name, or package.module:factory")
    hidden: int = Field(50, ge=1, description="width of FCNet's hidden layer")
    epochs: int = Field(10, ge=1)
    batch_size: int = Field(16, ge=1)
    optimizer: Literal["sgd", "adam"] = "sgd"
    learning_rate: float = Field(0.01, gt=0, allow_inf_nan=False)
    momentum: float = Field(0.9, ge=0, lt=1)
    weight_decay: float = Field(0.0, ge=0, allow_inf_nan=False)
    decay_every: Optional[int] = Field(None, ge=1, description="epochs between decays; null: never")
    decay: float = Field(0.1, gt=0, le=1, description="what the learning rate is multiplied by")

    @field_validator("network")
    @classmethod
    def _known(cls, network: str) -> str:
        if network in NETWORKS or is_factory(network):
            return network
        raise ValueError(f"choose one of {', '.join(NETWORKS)}, or package.module:factory")


class ShadowSettings(_Settings):
    """The shadow models; they are trained as the target is."""

    count: int = Field(10, ge=1)


AttackModelName = Literal["fcnet", "logistic_regression", "random_forest"]


class AttackSettings(_Settings):
    """The shadow attack (Shokri et al. 2017): one attack model per class."""

    models: tuple[AttackModelName, ...] = Field(("fcnet",), min_length=1)
    fcnet: TrainingSettings = TrainingSettings(
        network="fcnet",
        hidden=50,
        epochs=30,
        batch_size=50,
        optimizer="adam",
        learning_rate=0.001,
    )

    @field_validator("fcnet")
    @classmethod
    def _is_fcnet(cls, training: TrainingSettings) -> TrainingSettings:
        if training.network != "fcnet":
            raise ValueError("an attack model takes a confidence vector: its network is fcnet")
        return training


class DeletionSettings(_Settings):
    """What is deleted from the target's members, each time from the original set."""

    ratios: tuple[float, ...] = Field((0.05, 0.1), description="deleted at random")
    placement: Literal["uniform", "concentrated"] = Field(
        "uniform",
        description="where records deleted at random lie: anywhere, or in as few groups as hold "
        "them",
    )
    indices: Optional[Path] = Field(None, description="a text file of record indices, one a line")
    classes: tuple[int, ...] = Field((), description="delete every record of these classes")
    methods: tuple[Literal["full", "grouped"], ...] = ("full", "grouped")
    groups: int = Field(10, ge=2)
    aggregation: Literal["mean", "vote"] = Field(
        "mean", description="of the groups: mean of confidences, or share of votes"
    )

    @field_validator("ratios")
    @classmethod
    def _inside(cls, ratios: tuple[float, ...]) -> tuple[float, ...]:
        for ratio in ratios:
            if not 0 < ratio < 1:
                raise ValueError(f"{ratio} is not between 0 and 1 (0.05 is 5 %)")
        return ratios

    @field_validator("ratios", "classes", "methods")
    @classmethod
    def _once(cls, values: tuple[Any, ...]) -> tuple[Any, ...]:
        if len(set(values)) != len(values):
            raise ValueError(f"{list(values)} names one twice")
        return values


class Config(_Settings):
    """Everything a run's results depend on, but for the machine."""

    backend: str = "torch"
    device: Literal["auto", "cpu", "cuda", "ascend"] = "auto"
    seed: int = Field(0, ge=0)
    data: DataSettings = DataSettings()
    split: SplitSettings = SplitSettings()
    target: TrainingSettings = TrainingSettings()
    shadows: ShadowSettings = ShadowSettings()
    attack: AttackSettings = AttackSettings()
    deletion: DeletionSettings = DeletionSettings()

    @model_validator(mode="after")
    def _file_goes_with_npz(self) -> Config:
        if (self.data.name == "npz") != (self.data.file is not None):
            raise ValueError("data.file goes with data.name: npz, and only with it")
        return self

    @property
    def shadow_non_members(self) -> int:
        """Non-members a shadow draws: as many as its members unless said otherwise."""
        return self.split.shadow_non_members or self.split.shadow_members

    def to_yaml(self) -> str:
        """The resolved config, every key with its value."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False)


def load_config(
    file: Optional[Path], assignments: Iterable[str] = (), options: Mapping[str, Any] = {}
) -> Config:
    """Read ``file`` (defaults where None), then apply ``a.b=value`` and top-level ``options``.

    Values of assignments are YAML. Options that are None say nothing. Raises ConfigError naming
    the key or the file.
    """
    settings = _read(file) if file is not None else {}
    for assignment in assignments:
        _assign(settings, assignment)
    settings.update({key: value for key, value in options.items() if value is not None})
    try:
        return Config.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(_first_line(error)) from error


def _read(file: Path) -> dict[str, Any]:
    try:
        settings = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise ConfigError(f"config '{file}' cannot be read: {reason}") from error
    except yaml.YAMLError as error:
        problem = " ".join(str(error).split())
        raise ConfigError(f"config '{file}' is not YAML: {problem}") from error
    if not isinstance(settings, dict):
        raise ConfigError(f"config '{file}' holds no keys: see configs/quick.yaml for the form")
    return settings


def _assign(settings: dict[str, Any], assignment: str) -> None:
    key, equals, text = assignment.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {assignment}: write key=value, as in --set target.epochs=5")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {assignment}: the value is not YAML") from error
    *path, last = key.split(".")
    place = settings
    for part in path:
        place = place.setdefault(part, {})
        if not isinstance(place, dict):
            raise ConfigError(f"--set {assignment}: '{part}' holds a value, not keys")
    place[last] = value


def _first_line(error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"unknown key '{key}': {_neighbours(first['loc'])}"
    reason = first["msg"].removeprefix("Value error, ")
    if not key:
        return f"config: {reason}"
    return f"{key}: {first['input']!r} does not do: {reason}"


def _neighbours(loc: tuple[Any, ...]) -> str:
    model: Any = Config
    for part in loc[:-1]:
        model = model.model_fields[part].annotation
    return f"the keys there are {', '.join(model.model_fields)}"
