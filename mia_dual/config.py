"""The settings of a run: YAML, then ``--set key=value``, then the command line's own options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Optional

from pydantic import Field, ValidationError, field_validator, model_validator

from mia_dual.attack_settings import AttackSettings
from mia_dual.complaints import complaint
from mia_dual.data.outputs import OUTPUTS
from mia_dual.deletion_settings import DeletionSettings
from mia_dual.devices import known_device
from mia_dual.errors import ConfigError
from mia_dual.quoting import quoted
from mia_dual.setting_types import (
    Classes,
    Count,
    FilePath,
    Flag,
    Fraction,
    Models,
    Name,
    Points,
    Records,
    Seed,
    Share,
    Side,
)
from mia_dual.training_settings import Settings, TrainingSettings, known_network
from mia_dual.yaml_file import DEEPEST, YamlError, read_yaml, read_yaml_file, write_yaml

NO_BACKEND = "none"
"""The backend of an audit of outputs that trains nothing."""


class DataSettings(Settings):
    """Which records the audit is about."""

    name: Name = Field("digits", description="a set that `mia-dual datasets` lists, or npz")
    file: Optional[FilePath] = Field(None, description="the .npz file, for name: npz")
    image_size: Optional[Side] = Field(
        None, description="enlarge smaller images to this side; null: what the network needs"
    )
    merge_classes: Optional[Classes] = Field(
        None, description="make so many classes of all: a label becomes its remainder; null: as is"
    )
    mislabelled: Fraction = Field(
        0.0, description="share of the target's members whose labels are changed to wrong ones"
    )
    classes: Optional[Classes] = Field(None, description="how many, for name: purchases; null: 100")
    records: Optional[Count] = Field(None, description="how many, for name: purchases; null: 20000")
    standardise: Optional[Flag] = Field(
        None,
        description="numbers less their mean over the target's members, by their deviation there; "
        "null: as the set needs (npz: false)",
    )

    @model_validator(mode="after")
    def _sizes_go_with_purchases(self) -> DataSettings:
        for key in ("classes", "records"):
            if getattr(self, key) is not None and self.name != "purchases":
                raise ValueError(f"{key} goes with name: purchases, and only with it")
        return self


class SplitSettings(Settings):
    """How many records each part takes; parts of the target and of the shadows never meet."""

    target_members: Records = 400
    target_non_members: Records = 400
    shadow_members: Records = 400
    shadow_non_members: Optional[Records] = Field(
        None, description="null: as many as shadow_members"
    )


class TargetSettings(TrainingSettings):
    """The target, and how it is trained; with ``weights``, how what is retrained and shadows are.

    Of a target with ``weights``, ``data.file`` says who is a member (``member``). Members and
    non-members under audit are drawn among those, and shadows from the non-members that are left.
    A deletion is retrained on all members but the deleted, from these settings. Weights have the
    names of :mod:`mia_dual.interface` (a PyTorch ``state_dict``), and see records as ``data.file``
    has them: floats as they are, uint8 pixels scaled to [-1, 1].
    """

    weights: Optional[FilePath] = Field(
        None, description="a .safetensors file: the target, trained already"
    )
    curve: Points = Field(
        10,
        description="points of the first target's training curve at most, spread over its epochs; "
        "0: no curve",
    )


class ShadowDataSettings(Settings):
    """What shadows are trained on: records of the target's kind, or what an attacker has who owns
    none (Shokri et al. 2017, section V-C). A setting of another source than ``source`` is refused.
    """

    source: Literal["real", "noisy", "marginals", "synthesis"] = Field(
        "real",
        description="real: records of the data set; noisy: such records, some features replaced; "
        "marginals: each feature from its own distribution; synthesis: found by asking the target",
    )
    records: Optional[Records] = Field(
        None, description="how many are made; null: a shadow's members and non-members together"
    )
    noise: Optional[Share] = Field(None, description="noisy: share of features replaced; null: 0.1")
    per_class: Optional[Flag] = Field(
        None,
        description="marginals: of each class, which is then the label; null: false, of all "
        "records, labelled by the target",
    )
    estimated_on: Optional[Records] = Field(
        None,
        description="marginals: records of the shadows' pool they are estimated on; null: all",
    )
    k_max: Optional[Count] = Field(
        None, description="synthesis: features changed at once at first; null: 128"
    )
    k_min: Optional[Count] = Field(None, description="synthesis: and at least; null: 4")
    conf_min: Optional[Fraction] = Field(
        None, description="synthesis: confidence a record needs more than; null: 0.2"
    )
    rej_max: Optional[Count] = Field(
        None, description="synthesis: changes in vain before fewer features change; null: 5"
    )
    iter_max: Optional[Count] = Field(
        None, description="synthesis: queries before a climb starts again; null: 1000"
    )
    candidates: Optional[Count] = Field(
        None, description="synthesis: climbs side by side, a record each in a query; null: 512"
    )

    def own(self) -> dict[str, Any]:
        """The settings of the source alone, defaults filled in."""
        return {
            key: default if getattr(self, key) is None else getattr(self, key)
            for key, default in _OF_SOURCE[self.source].items()
        }

    @model_validator(mode="after")
    def _only_of_the_source(self) -> ShadowDataSettings:
        for source, settings in _OF_SOURCE.items():
            for key in settings:
                if key not in _OF_SOURCE[self.source] and getattr(self, key) is not None:
                    raise ValueError(
                        f"{key} is a setting of source {source}, and source is {self.source}"
                    )
        if self.source == "real" and self.records is not None:
            raise ValueError("records are made by other sources, and source is real")
        own = self.own()
        if self.source == "synthesis" and own["k_min"] > own["k_max"]:
            raise ValueError(f"k_min {own['k_min']} is more than k_max {own['k_max']}")
        return self


_OF_SOURCE: dict[str, dict[str, Any]] = {
    "real": {},
    "noisy": {"noise": 0.1},
    "marginals": {"per_class": False, "estimated_on": None},
    "synthesis": {
        "k_max": 128,
        "k_min": 4,
        "conf_min": 0.2,
        "rej_max": 5,
        "iter_max": 1000,
        "candidates": 512,
    },
}
"""Each source's own settings, with what null stands for."""


class ShadowSettings(Settings):
    """The shadow models; they are trained as the target is, but for what is said here."""

    count: Models = 10
    design: Literal["disjoint", "in_and_out"] = Field(
        "disjoint",
        description="disjoint: shadows never see an audited record (Shokri et al. 2017); "
        "in_and_out: every audited record is in exactly half of them (Carlini et al. 2022)",
    )
    data: ShadowDataSettings = ShadowDataSettings()
    network: Optional[Name] = Field(
        None, description="of an attacker who does not know the target's; null: the target's"
    )

    @field_validator("network")
    @classmethod
    def _known(cls, network: Optional[str]) -> Optional[str]:
        return network if network is None else known_network(network)


class Config(Settings):
    """Everything a run's results depend on, but for the machine."""

    backend: Name = "torch"
    device: Name = Field(
        "auto", description="auto, cpu, cuda (every GPU), cuda:1 (one of them) or ascend"
    )
    seed: Seed = 0
    targets: Models = Field(
        1,
        description="how many targets, each trained on its own members among the same audited "
        "records; they are references for each other",
    )
    data: DataSettings = DataSettings()
    split: SplitSettings = SplitSettings()
    target: TargetSettings = TargetSettings()
    shadows: ShadowSettings = ShadowSettings()
    attack: AttackSettings = AttackSettings()
    deletion: DeletionSettings = DeletionSettings()

    @field_validator("device")
    @classmethod
    def _has_a_name(cls, device: str) -> str:
        return known_device(device)

    @model_validator(mode="after")
    def _file_goes_with_npz(self) -> Config:
        if (self.data.name in ("npz", OUTPUTS)) != (self.data.file is not None):
            raise ValueError("data.file goes with data.name: npz, and only with it")
        return self

    @model_validator(mode="after")
    def _choice_can_be_made(self) -> Config:
        wanted = self.deletion
        if "mislabelled" in wanted.choice and not self.data.mislabelled:
            raise ValueError(
                "deletion.choice: mislabelled needs data.mislabelled: a share of wrong labels"
            )
        if "exposed" in wanted.choice and self.targets < 4 and self.shadows.design == "disjoint":
            raise ValueError(
                "deletion.choice: exposed needs references that saw each record and others that "
                "did not: set shadows.design: in_and_out, or targets: 4 at least"
            )
        if "exposed" in wanted.choice and not self.attack.asks_references:
            raise ValueError(
                "deletion.choice: exposed needs references that are asked about the records: name "
                "a family such as lira in attack.families"
            )
        return self

    @model_validator(mode="after")
    def _weights_go_with_npz(self) -> Config:
        if self.target.weights is not None and self.data.name != "npz":
            raise ValueError(
                "target.weights goes with data.name: npz, whose file says by its array 'member' "
                "who the target was trained on"
            )
        return self

    @model_validator(mode="after")
    def _targets_are_alike(self) -> Config:
        if self.targets == 1:
            return self
        source = self.shadows.data.source
        for key, given in (
            ("target.weights", self.target.weights is not None),
            ("data.mislabelled", self.data.mislabelled > 0),
            (
                "deletion.indices",
                self.deletion.indices is not None and not self.deletion.shared,
            ),
            (f"shadows.data.source: {source}", source != "real"),
        ):
            if given:
                raise ValueError(f"{key} goes with one target, and targets is {self.targets}")
        return self

    @model_validator(mode="after")
    def _shadows_in_and_out(self) -> Config:
        if self.shadows.design == "disjoint":
            return self
        split, audited = self.split, self.split.target_members + self.split.target_non_members
        if self.shadows.data.source != "real":
            raise ValueError(
                "shadows.design: in_and_out trains on audited records, and shadows.data.source: "
                f"{self.shadows.data.source} makes records: leave one of them out"
            )
        if self.shadows.count % 2 or audited % 2:
            raise ValueError(
                f"shadows.design: in_and_out takes shadows in pairs, each on one half of the "
                f"audited records: make shadows.count ({self.shadows.count}) and the target's "
                f"members and non-members ({audited}) even"
            )
        if split.shadow_members < audited // 2 or split.shadow_non_members is not None:
            raise ValueError(
                f"shadows.design: in_and_out trains a shadow on half of the {audited} audited "
                "records, and its non-members are the other half: set split.shadow_members to "
                f"{audited // 2} at least (what is more comes from the pool), and leave "
                "split.shadow_non_members out"
            )
        return self

    @property
    def shadow_non_members(self) -> int:
        """Non-members a shadow draws: as many as its members unless said otherwise."""
        return self.split.shadow_non_members or self.split.shadow_members

    def to_yaml(self) -> str:
        """The resolved config, every key with its value."""
        return write_yaml(self.model_dump(mode="json"))


def load_config(
    file: Optional[Path], assignments: Iterable[str] = (), options: Mapping[str, Any] = {}
) -> Config:
    """Read ``file`` (defaults where None), then apply ``a.b=value`` and top-level ``options``.

    Values of assignments are YAML. Options that are None say nothing. Raises ConfigError, a line
    naming the key or the file.
    """
    return checked(read_settings(file, assignments, options))


def read_settings(
    file: Optional[Path], assignments: Iterable[str] = (), options: Mapping[str, Any] = {}
) -> dict[str, Any]:
    """What :func:`load_config` reads, as keys with values that nothing has checked yet."""
    settings = _read(file) if file is not None else {}
    for assignment in assignments:
        _assign(settings, assignment)
    settings.update({key: value for key, value in options.items() if value is not None})
    return settings


def checked(settings: Mapping[str, Any]) -> Config:
    """``settings`` as a config; raises ConfigError, a line naming the key."""
    try:
        return Config.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(complaint(error, Config)) from error


def put(settings: dict[str, Any], key: str, value: Any) -> None:
    """Set ``key``, as in ``target.epochs``; raises ConfigError where a part of it is no place."""
    *path, last = key.split(".")
    place = settings
    for part in path:
        place = place.setdefault(part, {})
        if not isinstance(place, dict):
            raise ConfigError(f"{quoted(part)} holds a value, not keys")
    place[last] = value


def _read(file: Path) -> dict[str, Any]:
    name = quoted(str(file), 200)
    try:
        settings = read_yaml_file(file)
    except YamlError as error:
        raise ConfigError(f"config {name} cannot be read: {error}") from error
    if not isinstance(settings, dict):
        raise ConfigError(f"config {name} holds no keys: see configs/quick.yaml for the form")
    return settings


def _assign(settings: dict[str, Any], assignment: str) -> None:
    written = quoted(assignment)
    key, equals, text = assignment.partition("=")
    *path, last = key.split(".")
    if not equals or not all((*path, last)) or len(path) >= DEEPEST:
        raise ConfigError(f"--set {written}: write key=value, as in --set target.epochs=5")
    try:
        value = read_yaml(text)
    except YamlError as error:
        raise ConfigError(f"--set {written}: {error.reason}") from error
    try:
        put(settings, key, value)
    except ConfigError as error:
        raise ConfigError(f"--set {written}: {error}") from error
