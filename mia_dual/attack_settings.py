"""Which attacks there are, and their settings."""

from __future__ import annotations

from typing import Any, Literal, Optional

from pydantic import Field, field_validator

from mia_dual.setting_types import Count, Epochs, Fraction, Models, Name, Rate, Records, Share
from mia_dual.training_settings import Settings, TrainingSettings, without_twins

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


class ImitativeSettings(Settings):
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


class CascadeSettings(Settings):
    """Of references that are trained on what is decided already (CMIA)."""

    rounds: Models = Field(2, le=100, description="of references that are trained anew")
    count: Models = Field(8, ge=2, description="references of a target that a round trains")
    mistakes: Fraction = Field(
        0.01, description="share of references' members, and of non-members, decided wrongly"
    )


class TrajectorySettings(Settings):
    """The attack on loss trajectories (Liu et al. 2022): how models are distilled."""

    epochs: Epochs = Field(10, description="of a student, which is trained as the target is")
    auxiliary: Records = Field(
        500,
        description="records of the shadows' pool that students learn from: kept from all other "
        "models where family trajectory runs",
    )


class LiRASettings(Settings):
    """LiRA (Carlini et al. 2022)."""

    variance: Literal["own", "pooled", "switch"] = Field(
        "switch",
        description="of a record over references: its own, that of all records, or its own from "
        "32 references a side on",
    )


class BaVarIASettings(Settings):
    """BaVarIA (Brännvall 2026)."""

    predictive: Literal["student", "gaussian"] = Field(
        "student", description="the law that references predict: BaVarIA-t or BaVarIA-n"
    )


class RMIASettings(Settings):
    """RMIA (Zarifzadeh et al. 2024)."""

    gamma: Rate = Field(
        1.0, description="by what factor a record's ratio must exceed another's to dominate it"
    )
    a: Share = Field(
        0.3,
        description="offline: slope of members' confidence over that of others; less, the more "
        "models memorise",
    )


class BASESettings(Settings):
    """BASE (Lassila et al. 2025)."""

    temperature: Rate = Field(
        1.0, description="1: RMIA's ratios; more: towards difficulty calibration"
    )


class ProxySettings(Settings):
    """PMIA (Du et al.)."""

    proxies: Count = Field(
        32, description="population records whose members' behaviour stands for a record's own"
    )


AlterationKind = Literal["shift", "mirror", "noise"]


class QuerySettings(Settings):
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
        return values if values is None else without_twins(values)


class AttackSettings(Settings):
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
        return values if values is None else without_twins(values)

    @property
    def auxiliary(self) -> int:
        """Records that are kept from all models, for students to learn from."""
        wanted = "trajectory" in (self.families or OF_THE_RUN)
        return self.trajectory.auxiliary if wanted else 0

    @property
    def asks_references(self) -> bool:
        """Whether some family asks references about the audited records and the population."""
        return self.families is None or not ON_SHADOWS.issuperset(self.families)
