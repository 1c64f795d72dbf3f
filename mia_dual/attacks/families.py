"""Every family of attacks by its name, and how its members are made from settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Callable, Optional

from mia_dual.attack_settings import AttackFamily, AttackModelName, AttackSettings
from mia_dual.attacks import looking
from mia_dual.attacks.altered import Copies
from mia_dual.attacks.base import Attack
from mia_dual.attacks.cascade import Cascade
from mia_dual.attacks.catalogue import FAMILIES, FamilySettings
from mia_dual.attacks.fcnet import FCNetAttack
from mia_dual.attacks.features import Features
from mia_dual.attacks.imitative import SCORES, Imitative
from mia_dual.attacks.on_records import OnRecords
from mia_dual.attacks.quantile_attack import QuantileAttack
from mia_dual.attacks.sklearn_models import SklearnAttack
from mia_dual.attacks.threshold_attack import ThresholdAttack
from mia_dual.attacks.trajectory_attack import TrajectoryAttack
from mia_dual.queries.choice import choose_alterations
from mia_dual.store.folder import RunFolder
from mia_dual.training.trainer import Trainer


@dataclass(frozen=True)
class Makings:
    """What attacks are made of. ``trainer`` trains attack models into ``folder``, None where
    nothing does; ``seed`` draws what is random. ``shape``: of the records, as networks see them;
    None where no records are there, and no attack that looks at them runs.
    """

    settings: AttackSettings
    trainer: Optional[Trainer]
    folder: RunFolder
    seed: int
    shape: Optional[tuple[int, ...]] = None

    @cached_property
    def copies(self) -> Copies:
        """The altered copies of records that all attacks of a run ask about.

        Raises DataError where records are no images, and a kind of alteration needs them.
        """
        wanted, shape = self.settings.queries, self.shape
        if shape is None:
            return Copies(())
        alterations = choose_alterations(
            wanted.kinds or (("shift", "noise") if len(shape) == 3 else ("noise",)),
            shape,
            self.seed,
            shifts=wanted.shifts,
            padding=wanted.padding,
            draws=wanted.draws,
            levels=wanted.levels,
        )
        return Copies(alterations)


def _thresholds(makings: Makings) -> Sequence[Attack]:
    entropy = "negative_modified_entropy"
    return [
        ThresholdAttack("loss", "log_odds"),
        ThresholdAttack("loss_per_class", "log_odds", per_class=True),
        ThresholdAttack("correctness", "correctness"),
        ThresholdAttack("entropy", "negative_entropy"),
        ThresholdAttack("modified_entropy", entropy),
        ThresholdAttack("modified_entropy_per_class", entropy, per_class=True),
    ]


def _shadow(makings: Makings) -> Sequence[Attack]:
    def made(model: AttackModelName, features: Features) -> Attack:
        if model == "fcnet":
            fcnet = makings.settings.fcnet
            return FCNetAttack(fcnet, features, makings.trainer, makings.folder, makings.seed)
        return SklearnAttack(model, features, makings.seed)

    return [
        made(model, Features(name))
        for name in makings.settings.features
        for model in makings.settings.models
    ]


def _quantile(makings: Makings) -> Sequence[Attack]:
    return [QuantileAttack(makings.seed)]


def _trajectory(makings: Makings) -> Sequence[Attack]:
    return [TrajectoryAttack(makings.settings.trajectory)]


def _on_records(family: AttackFamily) -> Callable[[Makings], Sequence[Attack]]:
    def made(makings: Makings) -> Sequence[Attack]:
        return [OnRecords(attack) for attack in FAMILIES[family](_of_families(makings))]

    return made


def _imitative(makings: Makings) -> Sequence[Attack]:
    return [Imitative(name, makings.settings.imitative) for name in SCORES]


def _cascade(makings: Makings) -> Sequence[Attack]:
    return [Cascade(makings.settings.cascade)]


def _of_families(makings: Makings) -> FamilySettings:
    settings = makings.settings
    return FamilySettings(
        lira_variance=settings.lira.variance,
        bavaria_predictive=settings.bavaria.predictive,
        rmia_gamma=settings.rmia.gamma,
        rmia_a=settings.rmia.a,
        base_temperature=settings.base.temperature,
        pmia_proxies=settings.proxy.proxies,
    )


def _label_only(makings: Makings) -> Sequence[Attack]:
    return [OnRecords(attack) for attack in looking.label_only(makings.copies)]


def _queries(makings: Makings) -> Sequence[Attack]:
    attacks = FAMILIES["lira"](_of_families(makings))
    return [OnRecords(looking.with_copies(attack, makings.copies)) for attack in attacks]


def _gradients(makings: Makings) -> Sequence[Attack]:
    return [OnRecords(attack) for attack in looking.gradients()]


BUILDERS: dict[AttackFamily, Callable[[Makings], Sequence[Attack]]] = {
    "thresholds": _thresholds,
    "shadow": _shadow,
    "population": _on_records("population"),
    "reference": _on_records("reference"),
    "lira": _on_records("lira"),
    "bavaria": _on_records("bavaria"),
    "rmia": _on_records("rmia"),
    "base": _on_records("base"),
    "proxy": _on_records("proxy"),
    "quantile": _quantile,
    "trajectory": _trajectory,
    "imitative": _imitative,
    "cascade": _cascade,
    "label_only": _label_only,
    "queries": _queries,
    "gradients": _gradients,
}
