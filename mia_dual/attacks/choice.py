"""The attacks a config asks for, and those that can run with what is given."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional, get_args

from mia_dual.attacks.base import Attack, Need
from mia_dual.attacks.fcnet import FCNetAttack
from mia_dual.attacks.sklearn_models import SklearnAttack
from mia_dual.config import AttackModelName, Config
from mia_dual.errors import ConfigError
from mia_dual.interface import Capability
from mia_dual.store.folder import RunFolder
from mia_dual.training.trainer import Trainer

REMEDIES = {
    Need.ATTACK_MODELS: "set attack.models=[random_forest], or name a backend of networks",
}


def choose_attacks(config: Config, trainer: Optional[Trainer], folder: RunFolder) -> list[Attack]:
    """The attacks of ``config.attack.models``, not fitted yet.

    Raises ConfigError where one needs a ``trainer`` and there is none.
    """
    return [_attack(model, config, trainer, folder) for model in config.attack.models]


def _attack(
    model: AttackModelName, config: Config, trainer: Optional[Trainer], folder: RunFolder
) -> Attack:
    if model != "fcnet":
        return SklearnAttack(model, config.seed)
    if trainer is None:
        raise ConfigError(_refusal(FCNetAttack.name, Need.ATTACK_MODELS))
    return FCNetAttack(config.attack.fcnet, trainer, folder, config.seed)


def needs_met(capabilities: frozenset[Capability]) -> frozenset[Need]:
    """What a run has whose backend has ``capabilities``: attack models are networks of ours."""
    trains = frozenset({Capability.STEPS, Capability.WEIGHTS}) <= capabilities
    return frozenset(Need) if trains else frozenset(Need) - {Need.ATTACK_MODELS}


def check_needs(attacks: Sequence[Attack], offered: frozenset[Need]) -> None:
    """Raise ConfigError saying which attack cannot run, and why."""
    for attack in attacks:
        for need in _unmet(attack.needs, offered):
            raise ConfigError(_refusal(attack.name, need))


def runnable(offered: frozenset[Need]) -> dict[AttackModelName, list[Need]]:
    """Every attack model there is, and what of its attack's needs is not ``offered``."""
    return {
        model: _unmet(FCNetAttack.needs if model == "fcnet" else SklearnAttack.needs, offered)
        for model in get_args(AttackModelName)
    }


def _unmet(needs: frozenset[Need], offered: frozenset[Need]) -> list[Need]:
    return sorted(needs - offered, key=lambda need: need.name)


def _refusal(attack: str, need: Need) -> str:
    return (
        f"attack '{attack}' needs {need.value}, which this run does not give: "
        f"{REMEDIES.get(need, 'choose another in attack.models')}"
    )
