"""Every family of attacks by its name, and how its members are made from settings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Callable, Optional

from mia_dual.attacks.base import Attack
from mia_dual.attacks.cascade import Cascade
from mia_dual.attacks.catalogue import FAMILIES, FamilySettings
from mia_dual.attacks.fcnet import FCNetAttack
from mia_dual.attacks.imitative import SCORES, Imitative
from mia_dual.attacks.on_records import OnRecords
from mia_dual.attacks.sklearn_models import SklearnAttack
from mia_dual.attacks.threshold_attack import ThresholdAttack
from mia_dual.config import AttackFamily, AttackModelName, AttackSettings
from mia_dual.store.folder import RunFolder
from mia_dual.training.trainer import Trainer


@dataclass(frozen=True)
class Makings:
    """What attacks are made of. ``trainer`` trains attack models into ``folder``, None where
    nothing does; ``seed`` draws what is random.
    """

    settings: AttackSettings
    trainer: Optional[Trainer]
    folder: RunFolder
    seed: int


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
    def made(model: AttackModelName) -> Attack:
        if model == "fcnet":
            fcnet = makings.settings.fcnet
            return FCNetAttack(fcnet, makings.trainer, makings.folder, makings.seed)
        return SklearnAttack(model, makings.seed)

    return [made(model) for model in makings.settings.models]


def _on_records(family: AttackFamily) -> Callable[[Makings], Sequence[Attack]]:
    def made(makings: Makings) -> Sequence[Attack]:
        return [OnRecords(attack) for attack in FAMILIES[family](FamilySettings())]

    return made


def _imitative(makings: Makings) -> Sequence[Attack]:
    return [Imitative(name, makings.settings.imitative) for name in SCORES]


def _cascade(makings: Makings) -> Sequence[Attack]:
    return [Cascade(makings.settings.cascade)]


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
    "imitative": _imitative,
    "cascade": _cascade,
}
