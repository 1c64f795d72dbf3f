"""The attacks a config asks for, and those that cannot run with what is given, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Optional, get_args

from mia_dual.attacks.base import Attack, Need
from mia_dual.attacks.catalogue import FAMILIES, FamilySettings
from mia_dual.attacks.fcnet import FCNetAttack
from mia_dual.attacks.on_records import OnRecords
from mia_dual.attacks.sklearn_models import SklearnAttack
from mia_dual.attacks.threshold_attack import ThresholdAttack
from mia_dual.config import AttackFamily, AttackModelName, AttackSettings
from mia_dual.errors import ConfigError
from mia_dual.store.folder import RunFolder
from mia_dual.training.trainer import Trainer

DEFAULT: tuple[AttackFamily, ...] = get_args(AttackFamily)
"""The families of ``attack.families: null``: they need no model beside the run's own."""

REMEDIES = {
    Need.OUT: "set shadows.data.source: real",
    Need.IN: "set shadows.design: in_and_out, or targets: 2 at least",
    Need.POPULATION: "leave records for the shadows' pool: lower split.*",
    Need.ATTACK_MODELS: "set attack.models=[random_forest], or name a backend of networks",
}
"""What gives a run each need."""


class Choice:
    """What is there for attacks: needs that are ``offered``, and ``remedies`` for those that are
    not. ``trainer`` trains attack models into ``folder``.
    """

    def __init__(
        self,
        offered: frozenset[Need],
        trainer: Optional[Trainer],
        folder: RunFolder,
        seed: int,
        remedies: Mapping[Need, str] = REMEDIES,
    ) -> None:
        self._offered, self._remedies = offered, remedies
        self._trainer, self._folder, self._seed = trainer, folder, seed

    def attacks(self, settings: AttackSettings) -> tuple[list[Attack], dict[str, str]]:
        """The attacks that run, not fitted yet, and of those that cannot what each lacks.

        Raises ConfigError where no attack can run of a family that ``settings`` name, or none at
        all.
        """
        running: list[Attack] = []
        lacking: dict[str, str] = {}
        for family in settings.families or DEFAULT:
            members = self._family(family, settings)
            lacks = {attack.name: self._lack(attack) for attack in members}
            running += [attack for attack in members if not lacks[attack.name]]
            if settings.families is not None and all(lacks.values()):
                name, lack = next(iter(lacks.items()))
                raise ConfigError(f"attack '{name}' cannot run here: it needs {lack}")
            lacking.update({name: lack for name, lack in lacks.items() if lack})
        if not running:
            name, lack = next(iter(lacking.items()))
            raise ConfigError(f"no attack can run here; '{name}' needs {lack}")
        return running, lacking

    def _family(self, family: AttackFamily, settings: AttackSettings) -> Sequence[Attack]:
        if family == "thresholds":
            return [
                ThresholdAttack("loss", "log_odds"),
                ThresholdAttack("loss_per_class", "log_odds", per_class=True),
                ThresholdAttack("correctness", "correctness"),
                ThresholdAttack("entropy", "negative_entropy"),
                ThresholdAttack("modified_entropy", "negative_modified_entropy"),
                ThresholdAttack(
                    "modified_entropy_per_class", "negative_modified_entropy", per_class=True
                ),
            ]
        if family == "shadow":
            return [self._shadow_attack(model, settings) for model in settings.models]
        return [OnRecords(attack) for attack in FAMILIES[family](_settings_of(settings))]

    def _shadow_attack(self, model: AttackModelName, settings: AttackSettings) -> Attack:
        if model == "fcnet":
            return FCNetAttack(settings.fcnet, self._trainer, self._folder, self._seed)
        return SklearnAttack(model, self._seed)

    def _lack(self, attack: Attack) -> str:
        return ", and ".join(
            f"{need.value} ({self._remedies[need]})" if need in self._remedies else need.value
            for need in sorted(attack.needs - self._offered, key=lambda need: need.name)
        )


def _settings_of(settings: AttackSettings) -> FamilySettings:
    return FamilySettings()
