"""What ``results.json`` says of how completely a forget set was forgotten."""

from __future__ import annotations

from typing import Literal, Optional

from pydantic import BaseModel, ConfigDict, Field

Interval = tuple[float, float]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Figure(_Part):
    """A figure and its 95 % interval; null is what cannot be known."""

    value: Optional[float]
    interval: Optional[Interval]


class Separation(_Part):
    """How well scores tell deleted records from others; .5 and the false-positive rate are
    guessing.
    """

    auc: Figure
    tpr: Figure = Field(description="deleted records found while .01 of the others are accused")


class Traces(_Part):
    """What one attack's scores show after the deletion: deleted records beside never-seen ones."""

    ks: Optional[float] = Field(
        description="two-sample Kolmogorov-Smirnov statistic of the scores; of several targets "
        "each is taken less its record's mean over them"
    )
    ks_p: Optional[float] = Field(description="how often chance gives as much")
    ks_how: Optional[Literal["permuted", "unrelated"]] = Field(
        description="permuted: who deleted a record dealt out anew among targets; unrelated: pairs "
        "taken to have nothing to do with each other, as of one target they must be"
    )
    auc_difference: Figure = Field(
        description="the AUC less that on models that never saw the forget set, same records and "
        "targets; null where no such were trained"
    )
    tpr_difference: Figure = Field(description="of the TPR at a false-positive rate of .01")


class PerRecord(_Part):
    """U-LiRA: each record told by models of its own (mia_dual.forgetting.u_lira)."""

    records: int = Field(description="records with models enough on both sides")
    models: float = Field(description="models a record, on average: of both sides together")
    pooled: Separation
    accuracy: Figure = Field(description="mean over records of how often it is rightly told")
    told: float = Field(
        description="share of records whose own models tell at p <= .05; .05 is what chance gives"
    )


class Quality(_Part):
    """Forgetting quality of the NeurIPS 2023 competition (mia_dual.forgetting.quality)."""

    value: Optional[float] = Field(description="F, 1 at best")
    by_chance: Optional[Interval] = Field(
        description="where F lies in 95 % of draws when nothing is left, for so many models"
    )
    p: Optional[float] = Field(description="how often chance gives an F as low")
    epsilon: Optional[float] = Field(description="median over records, of the best attack")
    epsilon_most: Optional[float] = Field(description="the largest that so many models can show")
    epsilon_least: Optional[float] = Field(
        description="of the record with the most, what holds of models that are not at hand, with "
        "95 % confidence for that record"
    )


class Completeness(_Part):
    """IAM: how completely records were forgotten, 1 at best (mia_dual.forgetting.iam)."""

    deleted: float = Field(description="mean over deleted records")
    unseen: float = Field(description="mean over never-seen ones, which have no fixed place")
    separation: Separation


class BothVersions(_Part):
    """The attacker who holds the version before as well (mia_dual.forgetting.both_versions)."""

    fall: Separation = Field(description="by how far the confidence at the label fell; no fit")
    two: Optional[Separation] = Field(
        description="by a classifier fitted on other targets (Chen et al. 2021); null for one "
        "target, as what follows"
    )
    three: Optional[Separation] = Field(
        description="by one of three classes: forgotten, retained, unseen (TC-UMIA)"
    )
    three_retained: Optional[Separation] = Field(
        description="the same, deleted records against retained ones"
    )
    three_accuracy: Optional[float] = Field(
        description="its mean recall over the three; a third is guessing"
    )


class Neighbour(_Part):
    """An attack's AUC on retained records against non-members."""

    records: int = Field(description="retained records, a record counting once a target")
    before: Optional[float]
    after: Optional[float]
    difference: Figure = Field(description="after less before")


class Neighbours(_Part):
    """Whether deleting records exposes those next to them (mia_dual.forgetting.neighbours)."""

    attack: str
    near: Neighbour = Field(description="the nearest retained record of each deleted one's class")
    others: Neighbour = Field(description="as many of the same classes that are not")


class Forgetting(_Part):
    """One deletion, or one model to compare with: what is left of the forget set."""

    traces: dict[str, Traces] = Field(description="by attack")
    per_record: Optional[PerRecord] = Field(
        description="null where no record was deleted by two targets and never seen by two others"
    )
    quality: Optional[Quality] = Field(description="null likewise")
    completeness: Optional[Completeness] = Field(
        description="null where shadows were not asked about the records"
    )
    both_versions: Optional[BothVersions] = Field(
        description="null where the versions before and after are one"
    )
    neighbours: Optional[Neighbours] = Field(description="null where no neighbour is retained")
