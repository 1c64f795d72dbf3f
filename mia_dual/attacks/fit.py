"""Fits the attacks a config asks for."""

from __future__ import annotations

from mia_dual.attacks.base import Attack
from mia_dual.attacks.evidence import Evidence
from mia_dual.attacks.fcnet import FCNetAttack
from mia_dual.attacks.sklearn_models import SklearnAttack
from mia_dual.config import Config
from mia_dual.training.trainer import Trainer


def fit_attacks(config: Config, evidence: Evidence, trainer: Trainer) -> list[Attack]:
    """The attacks of ``config.attack.models``, fitted on ``evidence``."""
    return [
        FCNetAttack(evidence, config.attack.fcnet, trainer)
        if model == "fcnet"
        else SklearnAttack(model, evidence, config.seed)
        for model in config.attack.models
    ]
