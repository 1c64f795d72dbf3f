"""``results.json``: every field, its meaning, and the schema's version.

Nothing here depends on when or where a run took place: two runs of one config on one machine
give the same bytes. Seconds are in ``cost.json``.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, Optional, Union

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from mia_dual.errors import StoreError
from mia_dual.plan.plan import Method
from mia_dual.quoting import one_line
from mia_dual.report.forgetting import Forgetting

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from pandas import DataFrame

SCHEMA_VERSION = 3
"""Raised when a field changes its meaning or goes."""


class _Result(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Interval = tuple[float, float]


class Success(_Result):
    """How well an attack tells members from non-members; null where nothing can be said.

    Of several targets a record counts once a target.
    """

    members: int = Field(description="records scored that are members (the support)")
    non_members: int = Field(description="records scored that are not")
    auc: Optional[float] = Field(description="area under the ROC curve; .5 is guessing")
    auc_interval: Optional[Interval] = Field(
        description="95 %; of one target see mia_dual.metrics.intervals, of several the bootstrap "
        "over targets and records"
    )
    tpr_at_fpr: dict[str, Optional[float]] = Field(
        description="members found while at most this share of non-members is accused, at the best "
        "threshold for these very records; null with fewer non-members than could show that share"
    )
    tpr_interval: dict[str, Optional[Interval]] = Field(
        description="95 %: of one target Wilson's, for that threshold; of several the bootstrap"
    )
    accuracy: Optional[float] = Field(
        description="share called rightly at the threshold that is best for the attack's "
        "references; as many are members as not, so it is the balanced accuracy; null where "
        "references give no threshold, as what follows"
    )
    advantage: Optional[float] = Field(
        description="true-positive rate less false-positive rate there (Yeom et al. 2018)"
    )
    precision: Optional[float] = Field(description="members among those called members")
    recall: Optional[float] = Field(description="members called members")
    f1: Optional[float] = Field(description="harmonic mean of precision and recall")


class ClassResult(Success):
    """The same for the records of one class."""

    label: int


class TargetSuccess(Success):
    """The same for one of several targets."""

    target: str


class Decision(_Result):
    """What a threshold does that was fitted on references to accuse few non-members."""

    aimed_fpr: float = Field(description="share of non-members it accuses among references")
    fpr: Optional[float] = Field(description="and here")
    fpr_interval: Optional[Interval] = Field(
        description="95 %, Wilson's, as below: of several targets too short, since records repeat"
    )
    tpr: Optional[float] = Field(description="members it finds here")
    tpr_interval: Optional[Interval]
    precision_at_prior: dict[str, Optional[float]] = Field(
        description="share of the accused who are members, were this share of all people members"
    )


class AttackResult(Success):
    """An attack's success on all records, on each class, and on each of several targets."""

    decisions: list[Decision] = Field(
        description="at thresholds fitted on references; none where they are too few"
    )
    epsilon: Optional[float] = Field(
        description="the target's epsilon is at least that, with 95 % confidence, as far as "
        "records can be taken one by one (mia_dual.metrics.epsilon); 0 where nothing is shown"
    )
    epsilon_one_run: Optional[float] = Field(
        description="the same without that supposition, of each target alone (Steinke et al. 2023) "
        "and then the median; null where members were not drawn by us"
    )
    per_class: list[ClassResult]
    per_target: list[TargetSuccess] = Field(description="none where there is one target")


class Pair(_Result):
    """Members found by two attacks, each at the same false-positive rate."""

    first: str
    second: str
    both: int
    only_first: int
    only_second: int
    jaccard: Optional[float] = Field(description="found by both of those found by either")


class Coverage(_Result):
    """Members one attack finds at that rate, over all targets."""

    found: int = Field(description="members found, a record counting once a target")
    repeated: Optional[int] = Field(
        description="records that are in two targets at least; null for one target, as what follows"
    )
    ever: Optional[int] = Field(description="of those, found in one target at least")
    always: Optional[int] = Field(description="records found in every target they are in")


class Together(_Result):
    """How far attacks expose the same people (see mia_dual.metrics.together)."""

    fpr: float = Field(description="false-positive rate of each attack")
    attacks: dict[str, Coverage]
    pairs: list[Pair]
    union_tpr: Optional[float] = Field(description="members that some attack finds")
    union_fpr: Optional[float] = Field(description="non-members that some attack accuses")
    union_matched_tpr: Optional[float] = Field(
        description="members some attack finds with thresholds raised until all attacks together "
        "accuse no more non-members than each was allowed"
    )
    best_tpr: Optional[float] = Field(description="members that the best attack alone finds there")


class ExposedRecord(_Result):
    """One record that an attack tells about in many targets."""

    record: int
    label: int
    found: int = Field(description="targets that have it as a member, and it was found")
    inside: int = Field(description="targets that have it as a member")
    cleared: int = Field(description="targets that lack it, and it was told to be absent")
    outside: int = Field(description="targets that lack it")


class Exposure(_Result):
    """The records most exposed to the strongest attack, at a false-positive rate both ways."""

    attack: str
    fpr: float
    records: list[ExposedRecord]


class ModelResult(_Result):
    """A model as it was trained first."""

    train_accuracy: float = Field(description="on its members")
    test_accuracy: float = Field(description="on the target's non-members")


class CurvePoint(_Result):
    """The first target's own model after some epochs of its training, without slices or groups.

    On all of its members and non-members under audit, each counted once.
    """

    epochs: int
    train_accuracy: float = Field(description="on its members")
    test_accuracy: float = Field(description="on its non-members")
    train_loss: float = Field(
        description="mean cross entropy (nats) on its members, a record's at most 80"
    )
    test_loss: float = Field(description="and on its non-members")
    train_loss_error: float = Field(description="standard error of that mean over records")
    test_loss_error: float = Field(description="and of that on non-members")


class GroupedResult(ModelResult):
    """The ensemble of group models before anything was deleted."""

    groups: int
    fitted_on: Literal["grouped", "single"] = Field(
        description="shadows that the attacks below, and those around deletions from groups, "
        "learnt from: trained in groups, or of one model each"
    )
    attacks: dict[str, AttackResult]
    attacks_with_single_shadows: Optional[dict[str, AttackResult]] = Field(
        description="the same by attacks that learnt from shadows of one model each; null where "
        "deletion.fitted_on is not both"
    )
    not_run: dict[str, str] = Field(
        description="attacks that ran on the original and not on groups, and what each lacks"
    )


class BeforeAfter(_Result):
    """The same attack on the same records, on the model before deletion and the one after."""

    before: Success
    after: Success


class DeletionAttack(_Result):
    """One attack around one deletion."""

    overall: BeforeAfter = Field(description="retained members against non-members")
    deleted: BeforeAfter = Field(description="deleted records against non-members")


class DeletionResult(_Result):
    """One deletion by one method; of several targets, each on its own members."""

    request: str = Field(description="what was deleted, by name: 5%, 5% outliers, indices, classes")
    method: Method
    ratio: float = Field(description="deleted share of the target's members")
    deleted: int
    retained: int
    groups: Optional[int] = Field(
        description="groups there are, of all targets together; null for full retraining"
    )
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
    deleted_with_single_shadows: Optional[dict[str, BeforeAfter]] = Field(
        description="of groups: deleted records against non-members, by attacks that learnt from "
        "shadows of one model each; null where deletion.fitted_on is not both"
    )
    forgetting: Forgetting


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
    targets: int = Field(description="targets, each trained on its own members of the same records")
    shadows: int
    design: Literal["disjoint", "in_and_out", "given"] = Field(
        description="disjoint: no shadow saw an audited record; in_and_out: half of them did"
    )
    population: int = Field(description="records that no target saw, and attacks compare with")
    shadow_data: Optional[ShadowDataResult] = Field(
        None, description="null where shadows have real records"
    )
    target: ModelResult
    curve: list[CurvePoint] = Field(
        [],
        description="how the first target learnt, the last point when it was trained (of one "
        "target, the accuracies above); none where target.curve is 0, models are fitted at once, "
        "or the target was trained elsewhere",
    )
    attacks: dict[str, AttackResult] = Field(min_length=1, description="on the target, by attack")
    together: Optional[Together] = Field(description="null for one attack alone")
    exposure: Optional[Exposure] = Field(description="null where a record is in one target alone")
    not_run: dict[str, str] = Field(
        {}, description="attacks that what was given does not allow, and what each lacks"
    )
    grouped: Optional[GroupedResult]
    deletion: list[DeletionResult]
    compared: list[DeletionResult] = Field(
        description="the same of models that never saw the forget set (reference), and of those "
        "that only approximate it: none of these is a deletion"
    )

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
        from mia_dual.optional import optional
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

    def agreement_figure(self) -> Figure:
        """A figure of how far attacks find the same members.

        Raises MissingPackageError where Matplotlib is not installed, ValueError where there is one
        attack alone.
        """
        from mia_dual.report.agreement_figure import draw_agreement

        if self.together is None:
            raise ValueError("one attack alone agrees with none: run two at least")
        return draw_agreement(self, self.together)

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from mia_dual.report.html import as_html

        return as_html(self)
