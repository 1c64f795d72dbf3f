"""What a comparison of runs found: every field, its meaning, and the schema's version."""

from __future__ import annotations

from typing import Any, Literal, Optional

from pydantic import BaseModel, ConfigDict, Field

COMPARISON_SCHEMA_VERSION = 1
"""Raised when a field changes its meaning or goes."""


class _Finding(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RunName(_Finding):
    """Which run it is."""

    path: str
    backend: str
    seed: int
    network: str


class Setting(_Finding):
    """A setting, or a fact of the environment, that differs; null where one lacks it."""

    key: str
    first: Any
    second: Any


class Difference(_Finding):
    """A figure of both runs, the second's less the first's."""

    first: Optional[float]
    second: Optional[float]
    difference: Optional[float] = Field(description="null where either is")
    interval: Optional[tuple[float, float]] = Field(
        description="95 %, over what other records could have given, not what other seeds would: "
        "see mia_dual.metrics.differences (AUC, accuracy, recall) and .resampling (the rest)"
    )
    holds_zero: Optional[bool] = Field(description="whether the interval does")


class AccuracyDifference(_Finding):
    """The accuracy of a model, or of a version of the target."""

    place: str = Field(description="which model, and on which records")
    paired: bool = Field(description="whether both were measured on the same records")
    accuracy: Difference


class PlaceDifference(_Finding):
    """An attack's success at one place: a version of the target, and records of it."""

    place: str
    members: tuple[int, int] = Field(description="records scored that are members, in each run")
    non_members: tuple[int, int]
    paired: bool = Field(description="whether both were measured on the same records")
    figures: dict[str, Difference] = Field(
        description="auc, accuracy, precision, recall, f1, and tpr@<rate of false positives>"
    )


class ClassDifference(_Finding):
    """The AUC on the records of one class, on the original target."""

    label: int
    auc: Difference


class Agreement(_Finding):
    """The scores that an attack gives the same records in both runs, of one version.

    Only records that are members in both, or in neither, are looked at.
    """

    version: str
    records: int
    spearman: Optional[float] = Field(
        description="rank correlation, ties sharing their mean rank; null where one run scores "
        "all alike"
    )
    largest: Optional[float] = Field(description="largest difference of a record's score")
    largest_record: Optional[int] = Field(description="its index in the data set")
    changed_sides: int = Field(description="records above .5 in one run and not in the other")


class Verdict(_Finding):
    """What the figures of an attack come to."""

    found: Literal["same", "agree", "differ", "unknown"] = Field(
        description="same: every score is equal; differ: an AUC, accuracy or recall does, by "
        "intervals that all together miss in 5 % (Bonferroni); agree: none does; unknown: too "
        "few records to say"
    )
    place: Optional[str] = Field(description="where the runs differ most; null where the same")
    figure: Optional[str] = Field(description="in which figure: auc, accuracy or recall")
    sentence: str


class AttackComparison(_Finding):
    """One attack in both runs."""

    attack: str
    verdict: Verdict
    places: list[PlaceDifference]
    per_class: list[ClassDifference]
    agreement: list[Agreement]


class Parting(_Finding):
    """How far numbers of models that began equal have parted, over all models of a role."""

    role: str = Field(description="target, shadow, full, group; attack for attack models")
    models: int
    largest: Optional[float] = Field(description="null where it is no finite number")
    where: str = Field(description="the model, and the weight's or record's index in it")
    median: Optional[float] = Field(
        description="of absolute differences in a model, then of models; null as above"
    )
    size: Optional[float] = Field(description="the same median of the first run's absolute values")


class LogitParting(Parting):
    """The same for logits."""

    answers: int = Field(description="records asked about, over all models")
    decided_otherwise: int = Field(description="answers whose largest logit is another class's")


class PairComparison(_Finding):
    """A run against the first."""

    first: RunName
    second: RunName
    left_out: list[str] = Field(description="what could not be compared, and why")
    config: list[Setting]
    environment: list[Setting]
    same_split: bool = Field(description="whether both audit the same members and non-members")
    accuracies: list[AccuracyDifference]
    attacks: list[AttackComparison]
    equal_start: bool = Field(
        description="whether models began from equal weights: one seed, network and data set"
    )
    weights: list[Parting] = Field(description="empty without an equal start")
    logits: list[LogitParting] = Field(description="empty without an equal start")


class Comparison(_Finding):
    """Every run but the first, against the first."""

    schema_version: int = COMPARISON_SCHEMA_VERSION
    pairs: list[PairComparison]
