"""``results.json``: every field, its meaning, and the schema's version.

Nothing here depends on when or where a run took place: two runs of one config on one machine
give the same bytes. Seconds are in ``cost.json``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, Optional, Union

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mia_dual.errors import StoreError
from mia_dual.quoting import one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

SCHEMA_VERSION = 1
"""Raised when a field changes its meaning or goes."""


class _Result(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Success(_Result):
    """How well an attack tells members from non-members; null where nothing can be said."""

    members: int = Field(description="records scored that are members (the support)")
    non_members: int = Field(description="records scored that are not")
    auc: Optional[float] = Field(description="area under the ROC curve; .5 is guessing")
    auc_interval: Optional[tuple[float, float]] = Field(
        description="95 %; see mia_dual.metrics.intervals"
    )
    accuracy: Optional[float] = Field(description="share called rightly at the attack's threshold")
    precision: Optional[float] = Field(description="members among those called members")
    recall: Optional[float] = Field(description="members called members")
    f1: Optional[float] = Field(description="harmonic mean of precision and recall")
    tpr_at_fpr: dict[str, Optional[float]] = Field(
        description="members found while at most this share of non-members is accused; null "
        "with fewer non-members than could show that share"
    )


class ClassResult(Success):
    """The same for the records of one class."""

    label: int


class AttackResult(Success):
    """An attack's success on all records, and on each class."""

    per_class: list[ClassResult]


class ModelResult(_Result):
    """A model as it was trained first."""

    train_accuracy: float = Field(description="on its members")
    test_accuracy: float = Field(description="on the target's non-members")


class GroupedResult(ModelResult):
    """The ensemble of group models before anything was deleted."""

    groups: int
    attacks: dict[str, AttackResult]


class BeforeAfter(_Result):
    """The same attack on the same records, on the model before deletion and the one after."""

    before: AttackResult
    after: AttackResult


class DeletionAttack(_Result):
    """One attack around one deletion."""

    overall: BeforeAfter = Field(description="retained members against non-members")
    deleted: BeforeAfter = Field(description="deleted records against non-members")


class DeletionResult(_Result):
    """One deletion by one method."""

    request: str = Field(description="what was deleted, by name: 5%, 5% outliers, indices, classes")
    method: Literal["full", "grouped"]
    ratio: float = Field(description="deleted share of the target's members")
    deleted: int
    retained: int
    groups: Optional[int] = Field(description="groups there are; null for full retraining")
    groups_retrained: Optional[int] = Field(
        description="groups trained again; one left without records goes, and is not counted"
    )
    steps: int = Field(
        description="optimizer steps that the retraining took; of models fitted at once, fits"
    )
    train_accuracy: float = Field(description="after, on retained members")
    test_accuracy: float = Field(description="after, on the target's non-members")
    deleted_accuracy: float = Field(description="after, on the deleted records")
    train_accuracy_before: float = Field(description="before, on the same retained members")
    test_accuracy_before: float
    deleted_accuracy_before: float
    attacks: dict[str, DeletionAttack]


class DataResult(_Result):
    """The records under audit."""

    name: str
    digest: str = Field(description="SHA-256 of all features and labels, equal on all backends")
    records: int
    classes: int
    shape: tuple[int, ...] = Field(
        description="of one record, as the network sees it; of saved outputs, of one output"
    )


class ShadowDataResult(_Result):
    """Records that were made for shadows; the seconds they took are in ``cost.json``."""

    source: Literal["noisy", "marginals", "synthesis"]
    settings: dict[str, Union[bool, int, float, None]] = Field(
        description="the source's own, defaults filled in"
    )
    records: int = Field(description="how many were made")
    estimated_on: Optional[int] = Field(
        description="real records that the marginals are of; null for other sources"
    )
    queries: int = Field(description="records that the target was asked about to make them")
    queries_a_record: float
    attacks_with_real: dict[str, AttackResult] = Field(
        description="the same attacks on the target with shadows of as many real records"
    )


class Results(_Result):
    """A whole run."""

    schema_version: int = SCHEMA_VERSION
    backend: str = Field(description="none where saved outputs were audited without one")
    seed: int
    network: str = Field(description="given where outputs were, whatever network gave them")
    data: DataResult
    shadows: int
    shadow_data: Optional[ShadowDataResult] = Field(
        None, description="null where shadows have real records"
    )
    target: ModelResult
    attacks: dict[str, AttackResult] = Field(description="on the target, by attack")
    not_run: dict[str, str] = Field(
        {}, description="attacks that what was given does not allow, and what each lacks"
    )
    grouped: Optional[GroupedResult]
    deletion: list[DeletionResult]

    @classmethod
    def load(cls, folder: Union[str, Path]) -> Results:
        """The results in a run folder; raises StoreError where they cannot be read."""
        file = Path(folder) / "results.json"
        try:
            return cls.model_validate_json(file.read_bytes())
        except OSError as error:
            raise StoreError(
                f"'{file}' cannot be read ({error.strerror}): name the folder of a finished run"
            ) from error
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            place = ".".join(str(part) for part in first["loc"]) or "the file"
            raise StoreError(
                f"'{file}' holds no results of this version ({one_line(place, 100)}: "
                f"{one_line(first['msg'], 100)}): run the audit again"
            ) from error

    def to_frame(self) -> DataFrame:
        """A tidy pandas frame; its columns are those of :func:`mia_dual.report.rows.tidy_rows`.

        Raises MissingPackageError where pandas is not installed.
        """
        from mia_dual.report.optional import optional
        from mia_dual.report.rows import tidy_rows, types

        rows = tidy_rows(self)
        frame: DataFrame = optional("pandas", "to_frame").DataFrame(rows)
        return frame.astype(types(rows))

    def figure(self) -> Figure:
        """A figure of every attack's AUC and, where there are any, of each deletion's.

        Raises MissingPackageError where Matplotlib is not installed.
        """
        from mia_dual.report.figure import draw

        return draw(self)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from mia_dual.report.html import as_html

        return as_html(self)
