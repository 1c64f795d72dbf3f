"""The attacks a config asks for, and those that cannot run with what is given, and why."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Optional

from mia_dual.attack_settings import OF_THE_RUN, AttackSettings
from mia_dual.attacks.base import Attack, Need
from mia_dual.attacks.families import BUILDERS, Makings
from mia_dual.errors import ConfigError
from mia_dual.store.folder import RunFolder
from mia_dual.training.trainer import Trainer

REMEDIES = {
    Need.OUT: "set shadows.data.source: real",
    Need.IN: "set shadows.design: in_and_out, or targets: 2 at least",
    Need.PROXIES: "leave more records for the shadows' pool, or raise attack.population",
    Need.POPULATION: "leave records for the shadows' pool: lower split.*",
    Need.FEATURES: "set shadows.data.source: real",
    Need.TRAINING: "name a backend of networks, and leave shadows.data.source real",
    Need.ATTACK_MODELS: "set attack.models=[random_forest], or name a backend of networks",
    Need.GRADIENTS: "name a backend of networks",
}
"""What gives a run each need."""


class Choice:
    """What is there for attacks: needs that are ``offered``, and ``remedies`` for those that are
    not. ``trainer`` trains attack models into ``folder``. ``shape``: of the records, as networks
    see them; None where no records are there.
    """

    def __init__(
        self,
        offered: frozenset[Need],
        trainer: Optional[Trainer],
        folder: RunFolder,
        seed: int,
        remedies: Mapping[Need, str] = REMEDIES,
        shape: Optional[tuple[int, ...]] = None,
    ) -> None:
        self._offered, self._remedies = offered, remedies
        self._trainer, self._folder, self._seed = trainer, folder, seed
        self._shape = shape

    def attacks(self, settings: AttackSettings) -> tuple[list[Attack], dict[str, str]]:
        """The attacks that run, not fitted yet, and of those that cannot what each lacks.

        Raises ConfigError where no attack can run of a family that ``settings`` name, or none at
        all, and DataError where records cannot be altered as settings say.
        """
        running: list[Attack] = []
        lacking: dict[str, str] = {}
        makings = self._makings(settings)
        for family in settings.families or OF_THE_RUN:
            members = BUILDERS[family](makings)
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

    def _makings(self, settings: AttackSettings) -> Makings:
        return Makings(settings, self._trainer, self._folder, self._seed, self._shape)

    def _lack(self, attack: Attack) -> str:
        return ", and ".join(
            f"{need.value} ({self._remedies[need]})" if need in self._remedies else need.value
            for need in sorted(attack.needs - self._offered, key=lambda need: need.name)
        )
