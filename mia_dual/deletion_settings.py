"""What is deleted, by which methods, and the settings of each."""

from __future__ import annotations

from typing import Any, Literal, Optional

from pydantic import Field, field_validator, model_validator

from mia_dual.setting_types import (
    ClassLabel,
    Count,
    Epochs,
    Factor,
    FilePath,
    Flag,
    Fraction,
    Models,
    Penalty,
    Rate,
    Ratio,
    Records,
)
from mia_dual.training_settings import Settings, without_twins

Choice = Literal["random", "outliers", "typical", "mislabelled", "exposed"]

Aggregation = Literal["mean", "vote", "weighted"]

ExactMethod = Literal["full", "grouped"]

ApproximateMethod = Literal["nothing", "fine_tune", "warm_start", "neg_grad_plus", "scrub", "salun"]
"""Methods that change a model which saw the records, and train none anew."""


class FineTuneSettings(Settings):
    """The retain set again."""

    epochs: Optional[Epochs] = Field(None, description="null: a tenth of the target's, 1 at least")
    learning_rate: Optional[Rate] = Field(None, description="null: the target's")


class NegGradPlusSettings(Settings):
    """The retain set's loss falls while the forget set's rises (Kurmanji et al. 2023)."""

    epochs: Optional[Epochs] = Field(None, description="null: a tenth of the target's, 1 at least")
    learning_rate: Optional[Rate] = Field(None, description="null: the target's")
    retain_share: Fraction = Field(
        0.9, description="of the loss; the forget set has the rest (beta in the paper)"
    )


class ScrubSettings(Settings):
    """A student leaves its teacher on the forget set and follows it elsewhere (Kurmanji et al.
    2023).
    """

    epochs: Optional[Epochs] = Field(None, description="null: a fifth of the target's, 2 at least")
    rising_epochs: Optional[Epochs] = Field(
        None, description="of them, those that begin on the forget set; null: half"
    )
    learning_rate: Optional[Rate] = Field(None, description="null: half of the target's")
    forget_batch_size: Records = 32
    teacher_weight: Penalty = Field(
        0.5, description="on the retain set, of what the model said before (alpha in the paper)"
    )
    label_weight: Rate = Field(1.0, description="on the retain set, of the labels (gamma)")


class SalunSettings(Settings):
    """Random labels for the forget set, learnt by the weights that it moves most (Fan et al.
    2024).
    """

    epochs: Epochs = 1
    learning_rate: Optional[Rate] = Field(None, description="null: a tenth of the target's")
    saliency: Factor = Field(
        0.5, description="share of all weights that are trained, at most: those that it moves"
    )


class DeletionSettings(Settings):
    """What is deleted from the targets' members, each time from the original set."""

    ratios: tuple[Ratio, ...] = Field((0.05, 0.1), max_length=100, description="shares deleted")
    choice: tuple[Choice, ...] = Field(
        ("random",),
        min_length=1,
        description="which records a ratio takes, one or several: any, those least or most like "
        "their class, of those that data.mislabelled made wrong, or those that references expose "
        "most",
    )
    draws: Models = Field(1, description="how many times a ratio is drawn at random")
    shared: Flag = Field(
        False,
        description="true: drawn among all audited records, alike for all targets; each deletes "
        "its members of them, and the others are records that it never saw",
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
    methods: tuple[ExactMethod, ...] = Field(("full", "grouped"), min_length=1)
    approximate: tuple[ApproximateMethod, ...] = Field(
        (), description="methods to compare with, none of which deletes"
    )
    groups: Models = 10
    prepare: Flag = Field(
        False, description="true: train groups though nothing is deleted yet, for requests to come"
    )
    slices: Count = Field(
        1, le=1000, description="of each group: a deletion starts again at the first it touches"
    )
    assignment: Literal["uniform", "likelihood"] = Field(
        "uniform",
        description="of members to groups and slices: at random, or those likely to be deleted "
        "into few groups and last slices",
    )
    likelihood: Optional[FilePath] = Field(
        None,
        description="a text file of a record index and how likely its deletion is, a record a line",
    )
    aggregation: Aggregation = Field(
        "mean",
        description="of the groups: mean of confidences, share of votes, or the mean weighted by "
        "each group's records",
    )
    fitted_on: Literal["grouped", "single", "both"] = Field(
        "grouped",
        description="shadows that attacks on groups learn from: trained in groups themselves, one "
        "model each, or both to compare",
    )
    fine_tune: FineTuneSettings = FineTuneSettings()
    neg_grad_plus: NegGradPlusSettings = NegGradPlusSettings()
    scrub: ScrubSettings = ScrubSettings()
    salun: SalunSettings = SalunSettings()

    @field_validator("choice", mode="before")
    @classmethod
    def _one_is_several(cls, choice: Any) -> Any:
        return (choice,) if isinstance(choice, str) else choice

    @field_validator("ratios")
    @classmethod
    def _inside(cls, ratios: tuple[float, ...]) -> tuple[float, ...]:
        for ratio in ratios:
            if not 0 < ratio < 1:
                raise ValueError(f"{ratio} is not between 0 and 1 (0.05 is 5 %)")
        return ratios

    @field_validator("ratios", "choice", "classes", "methods", "approximate")
    @classmethod
    def _once(cls, values: tuple[Any, ...]) -> tuple[Any, ...]:
        return without_twins(values)

    @model_validator(mode="after")
    def _go_together(self) -> DeletionSettings:
        if (self.assignment == "likelihood") != (self.likelihood is not None):
            raise ValueError("likelihood goes with assignment: likelihood, and only with it")
        if self.placement == "concentrated":
            others = [choice for choice in self.choice if choice != "random"]
            if others:
                raise ValueError(
                    f"choice: {others[0]} says which records go, wherever they lie: leave "
                    "placement uniform"
                )
            if self.shared:
                raise ValueError(
                    "shared: true draws for all targets, whose groups differ: leave placement "
                    "uniform"
                )
        return self

    @property
    def compares(self) -> bool:
        """Whether models are trained that never saw the forget sets, to compare with."""
        return self.shared or bool(self.approximate)
