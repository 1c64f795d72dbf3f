"""Settings of a study of what deletion costs: how the target is trained in groups, and what is
asked of it.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from mia_dual.setting_types import Count, Models, Ratio, Seed
from mia_dual.training_settings import without_twins


class CostSettings(BaseModel):
    """Every number of groups with every number of slices, and the requests that each serves."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: Literal["cost"]
    groups: tuple[Models, ...] = Field(
        (1, 5, 10, 20), min_length=1, max_length=10, description="1: the whole in slices"
    )
    slices: tuple[Count, ...] = Field((1, 2, 4), min_length=1, max_length=10)
    shares: tuple[Ratio, ...] = Field(
        (0.05, 0.1), max_length=10, description="of the members, each deleted at once"
    )
    single: tuple[Count, ...] = Field(
        (1, 2, 5, 10, 20, 50, 100),
        min_length=1,
        max_length=20,
        description="how many requests of one record each are served one by one",
    )
    orders: Count = Field(
        8, le=10_000, description="of requests a seed, drawn at random, whose cost is counted"
    )
    timed: int = Field(
        5,
        strict=True,
        ge=0,
        le=1000,
        description="requests of the first order that are served in calls of their own, for the "
        "seconds; the rest are trained together, for the accuracy",
    )
    seeds: tuple[Seed, ...] = Field((0, 1, 2), min_length=2, max_length=100)

    @field_validator("shares")
    @classmethod
    def _inside(cls, shares: tuple[float, ...]) -> tuple[float, ...]:
        for share in shares:
            if not 0 < share < 1:
                raise ValueError(f"{share} is not between 0 and 1 (0.05 is 5 %)")
        return shares

    @field_validator("groups", "slices", "shares", "single", "seeds")
    @classmethod
    def _once(cls, values: tuple[Any, ...]) -> tuple[Any, ...]:
        return without_twins(values)
