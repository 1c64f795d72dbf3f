"""The attacks a config asks for."""

from __future__ import annotations

from collections.abc import Sequence

from mia_dual.attacks.base import Attack, Need
from mia_dual.attacks.fcnet import FCNetAttack
from mia_dual.attacks.sklearn_models import SklearnAttack
from mia_dual.config import Config
from mia_dual.errors import ConfigError
from mia_dual.interface import Capability
from mia_dual.store.folder import RunFolder
from mia_dual.training.trainer import Trainer

REMEDIES = {
    Need.ATTACK_MODELS: "set attack.models=[random_forest], or name a backend of networks",
}


def choose_attacks(config: Config, trainer: Trainer, folder: RunFolder) -> list[Attack]:
    """The attacks of ``config.attack.models``, not fitted yet."""
    return [
        FCNetAttack(config.attack.fcnet, trainer, folder, config.seed)
        if model == "fcnet"
        else SklearnAttack(model, config.seed)
        for model in config.attack.models
    ]


def needs_met(capabilities: frozenset[Capability]) -> frozenset[Need]:
    """What a run has whose backend has ``capabilities``: attack models are networks of ours."""
    trains = frozenset({Capability.STEPS, Capability.WEIGHTS}) <= capabilities
    return frozenset(Need) if trains else frozenset(Need) - {Need.ATTACK_MODELS}


def check_needs(attacks: Sequence[Attack], offered: frozenset[Need]) -> None:
    """Raise ConfigError saying which attack cannot run, and why."""
    for attack in attacks:
        for need in sorted(attack.needs - offered, key=lambda need: need.name):
            raise ConfigError(
                f"attack '{attack.name}' needs {need.value}, which this run does not give: "
                f"{REMEDIES.get(need, 'choose another in attack.models')}"
            )
