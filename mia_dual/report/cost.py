"""``study.json`` of a study of what deletion costs: counted, expected and measured.

Counts depend on nothing but the study and the data set; seconds are those of the machine that
trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

from pydantic import BaseModel, ConfigDict, Field

from mia_dual import metrics

SCHEMA_VERSION = 1
"""Raised when a field changes its meaning or goes."""


class _Finding(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Mean(_Finding):
    """A mean over draws."""

    mean: float
    low: Optional[float] = Field(
        description="of the 95 % interval of the mean: Student's t over draws; null for one"
    )
    high: Optional[float]
    draws: int = Field(description="seeds, or seeds times orders of requests")


class TrainingCost(_Finding):
    """Training all groups before any deletion; means over seeds."""

    groups: int
    slices: int
    models: int
    steps: int
    steps_share: float = Field(description="of the steps of one model on all members")
    records: int = Field(description="records seen, each as often as it is seen")
    records_share: float
    seconds: Mean = Field(description="of the backend, all groups in one call")
    seconds_share: Mean = Field(description="of the seconds of one model on all members")
    bytes: Mean = Field(
        description="of the weights in force, and of the states kept after slices, the "
        "optimizer's included"
    )
    accuracy: Mean = Field(description="of the groups together, on non-members")


class RequestCost(_Finding):
    """Requests served by retraining the groups they touch, and by full retraining.

    Shares are of full retraining for the same requests. ``models``, ``steps``, ``records`` and
    their shares are counted from plans of many orders of requests; ``seconds`` are measured where
    such requests were served alone, in the first order of each seed; ``accuracy`` is that of the
    same order when all are served.
    """

    groups: int
    slices: int
    request: str
    requests: int = Field(description="how many, one after the other")
    deleted: int = Field(description="records, by all of them")
    share: Optional[float] = Field(
        description="of the members, where one request deletes that many; null where each deletes "
        "one record"
    )
    models: Mean = Field(description="retrained, by all of them")
    steps: Mean
    full_steps: int
    steps_share: Mean
    records: Mean = Field(description="seen in retraining")
    full_records: int
    records_share: Mean
    expected_share: float = Field(
        description="of records, as expected without replacement, slices and rounding included"
    )
    published_share: Optional[float] = Field(
        description="of records, by the formulas of Bourtoule et al. 2021; null where they have "
        "none: several records at once, and slices"
    )
    seconds: Optional[Mean] = Field(description="of the backend; null where none was timed")
    full_seconds: Optional[Mean]
    seconds_share: Optional[Mean]
    accuracy: Mean = Field(description="of the groups together, on non-members, afterwards")
    full_accuracy: Mean


class CostResults(_Finding):
    """A whole study."""

    schema_version: int = SCHEMA_VERSION
    name: str
    backend: str
    data: str
    network: str
    members: int
    epochs: int
    batch_size: int
    seeds: list[int]
    orders: int = Field(description="of requests, counted a seed")
    single_steps: int = Field(description="of one model on all members")
    single_seconds: Mean
    single_accuracy: Mean
    trainings: list[TrainingCost]
    requests: list[RequestCost]
    finding: str = Field(description="what was found, in one sentence")


def mean_of(values: Sequence[float]) -> Mean:
    """The mean of ``values``, one a draw, and its interval."""
    mean, interval = metrics.mean_interval(values)
    low, high = interval or (None, None)
    return Mean(mean=mean, low=low, high=high, draws=len(values))


def cost_finding(
    trainings: Sequence[TrainingCost], requests: Sequence[RequestCost], single_accuracy: Mean
) -> str:
    """One sentence on a single request in the most groups and slices, against full retraining."""
    finest = max(trainings, key=lambda one: (one.groups, one.slices))
    first = next(
        one
        for one in requests
        if (one.groups, one.slices) == (finest.groups, finest.slices) and one.share is None
    )
    called = "One record" if first.deleted == 1 else f"Each of {first.deleted} single records"
    seconds, steps = first.seconds_share, first.steps_share
    timed = "" if seconds is None else f" and {seconds.mean:.3f} of its seconds"
    return (
        f"{called} out of {finest.groups} groups of {finest.slices} slices costs "
        f"{steps.mean:.4f} of the steps of full retraining{_interval(steps)}"
        f"{timed}; {first.expected_share:.4f} of the records seen was expected, "
        f"{first.records_share.mean:.4f} counted; the groups' accuracy is "
        f"{finest.accuracy.mean:.3f} against {single_accuracy.mean:.3f} of one model, and they "
        f"keep {finest.bytes.mean / 1e6:.1f} MB."
    )


def _interval(mean: Mean) -> str:
    if mean.low is None or mean.high is None:
        return ""
    return f" (95 % {max(mean.low, 0):.4f} to {mean.high:.4f})"
