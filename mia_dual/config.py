"""The settings of a run: YAML, then ``--set key=value``, then the command line's own options."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, Optional

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from mia_dual.complaints import complaint
from mia_dual.data.outputs import OUTPUTS
from mia_dual.errors import ConfigError
from mia_dual.interface import Option
from mia_dual.networks import ESTIMATORS, NETWORKS, is_factory
from mia_dual.quoting import quoted
from mia_dual.setting_types import (
    Classes,
    ClassLabel,
    Count,
    Epochs,
    Factor,
    FilePath,
    Flag,
    Fraction,
    Models,
    Name,
    Penalty,
    Rate,
    Ratio,
    Records,
    Seed,
    Share,
    Side,
    Width,
)
from mia_dual.yaml_file import DEEPEST, YamlError, read_yaml, read_yaml_file, write_yaml

NO_BACKEND = "none"
"""The backend of an audit of outputs that trains nothing."""


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class DataSettings(_Settings):
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


class SplitSettings(_Settings):
    """How many records each part takes; parts of the target and of the shadows never meet."""

    target_members: Records = 400
    target_non_members: Records = 400
    shadow_members: Records = 400
    shadow_non_members: Optional[Records] = Field(
        None, description="null: as many as shadow_members"
    )


class TrainingSettings(_Settings):
    """How one model is trained."""

    network: Name = Field("convnet", description="a network's name, or package.module:factory")
    hidden: Width = Field(50, description="width of FCNet's hidden layer")
    options: dict[Name, Option] = Field(
        {}, description="settings of a kind of model that is no network, as max_depth: 5"
    )
    epochs: Epochs = 10
    batch_size: Records = Field(16, description="more than there are: all in one batch")
    optimizer: Literal["sgd", "adam"] = "sgd"
    learning_rate: Rate = 0.01
    momentum: Fraction = 0.9
    weight_decay: Penalty = 0.0
    decay_every: Optional[Epochs] = Field(None, description="epochs between decays; null: never")
    decay: Factor = Field(0.1, description="what the learning rate is multiplied by")

    @field_validator("network")
    @classmethod
    def _known(cls, network: str) -> str:
        return _known_network(network)

    @model_validator(mode="after")
    def _options_are_of_estimators(self) -> TrainingSettings:
        if self.options and self.network not in ESTIMATORS:
            raise ValueError(
                f"network '{self.network}' takes no options: those are for {', '.join(ESTIMATORS)}"
            )
        return self


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


class ShadowDataSettings(_Settings):
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


class ShadowSettings(_Settings):
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
        return network if network is None else _known_network(network)


class FCNetSettings(TrainingSettings):
    """How the attack's FCNets are trained: as other models, from defaults of their own."""

    network: Name = "fcnet"
    epochs: Epochs = 30
    batch_size: Records = 50
    optimizer: Literal["sgd", "adam"] = "adam"
    learning_rate: Rate = 0.001

    @field_validator("network")
    @classmethod
    def _known(cls, network: str) -> str:
        if network != "fcnet":
            raise ValueError("an attack model takes a confidence vector: its network is fcnet")
        return network


class ImitativeSettings(_Settings):
    """Of imitators, which learn what a target answers (IMIA)."""

    count: Models = Field(
        8, ge=2, description="imitators of a target, each of which is trained in two steps"
    )
    epochs: Optional[Epochs] = Field(
        None, description="on what the target answers; null: as many as the target's"
    )
    further: Optional[Epochs] = Field(
        None, description="then with half of the audited records too; null: as many as the target's"
    )


class CascadeSettings(_Settings):
    """Of references that are trained on what is decided already (CMIA)."""

    rounds: Models = Field(2, le=100, description="of references that are trained anew")
    count: Models = Field(8, ge=2, description="references of a target that a round trains")
    mistakes: Fraction = Field(
        0.01, description="share of references' members, and of non-members, decided wrongly"
    )


def _known_network(network: str) -> str:
    if network in (*NETWORKS, *ESTIMATORS) or is_factory(network):
        return network
    raise ValueError(
        f"choose one of {', '.join((*NETWORKS, *ESTIMATORS))}, or package.module:factory"
    )


AttackModelName = Literal["fcnet", "logistic_regression", "random_forest"]

AttackFeature = Literal["all", "sorted", "top3", "unlabelled"]

AttackFamily = Literal[
    "thresholds",
    "shadow",
    "population",
    "reference",
    "lira",
    "bavaria",
    "rmia",
    "base",
    "proxy",
    "label_only",
    "queries",
    "gradients",
    "quantile",
    "trajectory",
    "imitative",
    "cascade",
]

OF_THE_RUN: tuple[AttackFamily, ...] = (
    *("thresholds", "shadow", "population", "reference"),
    *("lira", "bavaria", "rmia", "base", "proxy"),
)
"""Families that need no more than a run's own models, asked about the records as they are."""

ON_SHADOWS: frozenset[str] = frozenset({"thresholds", "shadow", "trajectory"})
"""Families that ask no shadow about the target's records."""


class TrajectorySettings(_Settings):
    """The attack on loss trajectories (Liu et al. 2022): how models are distilled."""

    epochs: Epochs = Field(10, description="of a student, which is trained as the target is")
    auxiliary: Records = Field(
        500,
        description="records of the shadows' pool that students learn from: kept from all other "
        "models where family trajectory runs",
    )


class LiRASettings(_Settings):
    """LiRA (Carlini et al. 2022)."""

    variance: Literal["own", "pooled", "switch"] = Field(
        "switch",
        description="of a record over references: its own, that of all records, or its own from "
        "32 references a side on",
    )


class BaVarIASettings(_Settings):
    """BaVarIA (Brännvall 2026)."""

    predictive: Literal["student", "gaussian"] = Field(
        "student", description="the law that references predict: BaVarIA-t or BaVarIA-n"
    )


class RMIASettings(_Settings):
    """RMIA (Zarifzadeh et al. 2024)."""

    gamma: Rate = Field(
        1.0, description="by what factor a record's ratio must exceed another's to dominate it"
    )
    a: Share = Field(
        0.3,
        description="offline: slope of members' confidence over that of others; less, the more "
        "models memorise",
    )


class BASESettings(_Settings):
    """BASE (Lassila et al. 2025)."""

    temperature: Rate = Field(
        1.0, description="1: RMIA's ratios; more: towards difficulty calibration"
    )


class ProxySettings(_Settings):
    """PMIA (Du et al.)."""

    proxies: Count = Field(
        32, description="population records whose members' behaviour stands for a record's own"
    )


AlterationKind = Literal["shift", "mirror", "noise"]


class QuerySettings(_Settings):
    """Altered copies of records, that label_only and queries ask models about."""

    kinds: Optional[tuple[AlterationKind, ...]] = Field(
        None,
        min_length=1,
        description="of copies; null: shift and noise of images, noise of rows of numbers",
    )
    shifts: Count = Field(
        4, le=100, description="of images: so many, the nearest first; 4: a pixel each way"
    )
    padding: Literal["edge", "background"] = Field(
        "edge", description="what comes in where an image moves away"
    )
    draws: Count = Field(4, le=1000, description="of noise, at each of levels")
    levels: tuple[Rate, ...] = Field(
        (0.3, 0.7), min_length=1, max_length=100, description="of noise, in the features' deviation"
    )

    @field_validator("kinds", "levels")
    @classmethod
    def _once(cls, values: Optional[tuple[Any, ...]]) -> Optional[tuple[Any, ...]]:
        return values if values is None else _without_twins(values)


class AttackSettings(_Settings):
    """Which attacks there are, and their settings."""

    families: Optional[tuple[AttackFamily, ...]] = Field(
        None,
        min_length=1,
        description="kinds of attack; null: all that need no more than the run's own models",
    )
    models: tuple[AttackModelName, ...] = Field(
        ("fcnet",),
        min_length=1,
        description="of the shadow attack (Shokri et al. 2017): attack models, one a class",
    )
    features: tuple[AttackFeature, ...] = Field(
        ("all",),
        min_length=1,
        description="what attack models look at: all confidences in their order, sorted, the top "
        "three; unlabelled: sorted, one attack model for all classes",
    )
    fcnet: FCNetSettings = FCNetSettings()
    lira: LiRASettings = LiRASettings()
    bavaria: BaVarIASettings = BaVarIASettings()
    rmia: RMIASettings = RMIASettings()
    base: BASESettings = BASESettings()
    proxy: ProxySettings = ProxySettings()
    trajectory: TrajectorySettings = TrajectorySettings()
    imitative: ImitativeSettings = ImitativeSettings()
    cascade: CascadeSettings = CascadeSettings()
    queries: QuerySettings = QuerySettings()
    population: Records = Field(
        500,
        description="records that no target sees and every model is asked about, at most: what "
        "attacks compare with, and where thresholds are fitted",
    )

    @field_validator("families", "models", "features")
    @classmethod
    def _once(cls, values: Optional[tuple[str, ...]]) -> Optional[tuple[str, ...]]:
        return values if values is None else _without_twins(values)

    @property
    def auxiliary(self) -> int:
        """Records that are kept from all models, for students to learn from."""
        wanted = "trajectory" in (self.families or OF_THE_RUN)
        return self.trajectory.auxiliary if wanted else 0

    @property
    def asks_references(self) -> bool:
        """Whether some family asks references about the audited records and the population."""
        return self.families is None or not ON_SHADOWS.issuperset(self.families)


class DeletionSettings(_Settings):
    """What is deleted from the target's members, each time from the original set."""

    ratios: tuple[Ratio, ...] = Field((0.05, 0.1), max_length=100, description="shares deleted")
    choice: Literal["random", "outliers", "typical", "mislabelled"] = Field(
        "random",
        description="which records a ratio takes: any, those least or most like their class, or "
        "of those that data.mislabelled made wrong",
    )
    placement: Literal["uniform", "concentrated"] = Field(
        "uniform",
        description="where records deleted at random lie: anywhere, or in as few groups as hold "
        "them",
    )
    indices: Optional[FilePath] = Field(
        None, description="a text file of record indices, one a line"
    )
    classes: tuple[ClassLabel, ...] = Field(
        (), max_length=1000, description="delete every record of these classes"
    )
    methods: tuple[Literal["full", "grouped"], ...] = Field(("full", "grouped"), min_length=1)
    groups: Models = Field(10, ge=2)
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
        return _without_twins(values)


class Config(_Settings):
    """Everything a run's results depend on, but for the machine."""

    backend: Name = "torch"
    device: Literal["auto", "cpu", "cuda", "ascend"] = "auto"
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

    @model_validator(mode="after")
    def _file_goes_with_npz(self) -> Config:
        if (self.data.name in ("npz", OUTPUTS)) != (self.data.file is not None):
            raise ValueError("data.file goes with data.name: npz, and only with it")
        return self

    @model_validator(mode="after")
    def _choice_can_be_made(self) -> Config:
        wanted = self.deletion
        if wanted.choice == "mislabelled" and not self.data.mislabelled:
            raise ValueError(
                "deletion.choice: mislabelled needs data.mislabelled: a share of wrong labels"
            )
        if wanted.choice != "random" and wanted.placement == "concentrated":
            raise ValueError(
                f"deletion.choice: {wanted.choice} says which records go, wherever they lie: "
                "leave deletion.placement uniform"
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
            ("deletion.indices", self.deletion.indices is not None),
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


def _without_twins(values: tuple[Any, ...]) -> tuple[Any, ...]:
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"it names one twice ({value})")
    return values


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
