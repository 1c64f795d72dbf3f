"""The attacks on single records, family by family."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from mia_dual.attacks.base import Need
from mia_dual.attacks.likelihood import Predictive, Variance, conjugate, gaussian, offline, online
from mia_dual.attacks.population import LEAST, attack_p
from mia_dual.attacks.proxy import PROXIES, pmia
from mia_dual.attacks.ratio import GAMMA, TEMPERATURE, A, base, rmia_offline, rmia_online
from mia_dual.attacks.record_attack import RecordAttack
from mia_dual.attacks.reference import attack_r, calibration

Values = dict[str, Any]

OUT = frozenset({Need.OUT})
IN_AND_OUT = frozenset({Need.IN, Need.OUT})


@dataclass(frozen=True)
class FamilySettings:
    """What the families can be set to; the modules that a default is from say why it is so."""

    lira_variance: Variance = "switch"
    """A record's own, all records' pooled, or own from 32 references a side on; PMIA's too."""
    bavaria_predictive: Predictive = "student"
    """BaVarIA-t, or BaVarIA-n: gaussian."""
    rmia_gamma: float = GAMMA
    """Above 0: how many times another record's ratio dominates it."""
    rmia_a: float = A
    """0 .. 1: the slope of the confidence of members over that of others; less, the more models
    memorise.
    """
    base_temperature: float = TEMPERATURE
    """Above 0; 1 gives RMIA's ratios, more goes toward difficulty calibration."""
    population_least: int = LEAST
    """Records of a class from which on Attack-P holds a record against its class alone."""
    pmia_proxies: int = PROXIES
    """At least 1: records whose members' signal stands for that of an audited one."""


def population(settings: FamilySettings) -> list[RecordAttack]:
    """Attack-P of Ye et al. 2022."""
    values: Values = {"least": settings.population_least}
    score = partial(attack_p, **values)
    return [RecordAttack("attack_p", "log_odds", score, frozenset({Need.POPULATION}), values)]


def reference(settings: FamilySettings) -> list[RecordAttack]:
    """Attack-R of Ye et al. 2022; difficulty calibration of Watson et al. 2022."""
    return [
        RecordAttack("attack_r", "log_odds", attack_r, OUT),
        RecordAttack("calibration", "log_confidence", calibration, OUT),
    ]


def lira(settings: FamilySettings) -> list[RecordAttack]:
    """Carlini et al. 2022."""
    values: Values = {"variance": settings.lira_variance}
    law = partial(gaussian, **values)
    return [
        RecordAttack("lira_online", "log_odds", partial(online, law=law), IN_AND_OUT, values),
        RecordAttack("lira_offline", "log_odds", partial(offline, law=law), OUT, values),
    ]


def bavaria(settings: FamilySettings) -> list[RecordAttack]:
    """Brännvall 2026."""
    values: Values = {"predictive": settings.bavaria_predictive}
    law = partial(conjugate, **values)
    return [
        RecordAttack("bavaria_online", "log_odds", partial(online, law=law), IN_AND_OUT, values),
        RecordAttack("bavaria_offline", "log_odds", partial(offline, law=law), OUT, values),
    ]


def rmia(settings: FamilySettings) -> list[RecordAttack]:
    """Zarifzadeh et al. 2024."""
    values: Values = {"gamma": settings.rmia_gamma, "a": settings.rmia_a}
    scores = {"rmia_online": (rmia_online, IN_AND_OUT), "rmia_offline": (rmia_offline, OUT)}
    return [
        RecordAttack(name, "log_confidence", partial(score, **values), needs, values)
        for name, (score, needs) in scores.items()
    ]


def ratio(settings: FamilySettings) -> list[RecordAttack]:
    """BASE of Lassila et al. 2025."""
    values: Values = {"temperature": settings.base_temperature}
    return [RecordAttack("base", "log_confidence", partial(base, **values), OUT, values)]


def proxy(settings: FamilySettings) -> list[RecordAttack]:
    """PMIA of Du et al. 2026."""
    values: Values = {"variance": settings.lira_variance, "proxies": settings.pmia_proxies}
    law = partial(gaussian, variance=settings.lira_variance)
    score = partial(pmia, law=law, proxies=settings.pmia_proxies)
    needs = frozenset({Need.OUT, Need.PROXIES})
    return [RecordAttack("pmia", "log_odds", score, needs, values)]


FAMILIES: dict[str, Callable[[FamilySettings], list[RecordAttack]]] = {
    "population": population,
    "reference": reference,
    "lira": lira,
    "bavaria": bavaria,
    "rmia": rmia,
    "base": ratio,
    "proxy": proxy,
}
"""Every family by its name: from settings to its attacks. RMIA without a population takes the
audited records for it.
"""
