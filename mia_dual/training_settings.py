"""How one model is trained: settings that targets, shadows and attack models share."""

from __future__ import annotations

from typing import Any, Literal, Optional

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from mia_dual.interface import Option
from mia_dual.networks import ESTIMATORS, NETWORKS, is_factory
from mia_dual.setting_types import Epochs, Factor, Fraction, Name, Penalty, Rate, Records, Width


class Settings(BaseModel):
    """Keys of a config: unknown ones are refused, and values stay as they are."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class TrainingSettings(Settings):
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
        return known_network(network)

    @model_validator(mode="after")
    def _options_are_of_estimators(self) -> TrainingSettings:
        if self.options and self.network not in ESTIMATORS:
            raise ValueError(
                f"network '{self.network}' takes no options: those are for {', '.join(ESTIMATORS)}"
            )
        return self


def known_network(network: str) -> str:
    """``network``; raises ValueError where it is the name of none."""
    if network in (*NETWORKS, *ESTIMATORS) or is_factory(network):
        return network
    raise ValueError(
        f"choose one of {', '.join((*NETWORKS, *ESTIMATORS))}, or package.module:factory"
    )


def without_twins(values: tuple[Any, ...]) -> tuple[Any, ...]:
    """``values``; raises ValueError where one is named twice."""
    for value in values:
        if values.count(value) > 1:
            raise ValueError(f"it names one twice ({value})")
    return values
