"""LiRA as attacks take it that train references of their own, which are few."""

from __future__ import annotations

from functools import partial

from mia_dual.attacks.base import Need
from mia_dual.attacks.likelihood import gaussian, online
from mia_dual.attacks.record_attack import RecordAttack

POOLED = RecordAttack(
    "lira_online",
    "log_odds",
    partial(online, law=partial(gaussian, variance="pooled")),
    frozenset({Need.IN, Need.OUT}),
    {"variance": "pooled"},
)
"""Online, all records' variance pooled (Carlini et al. 2022, section IV-C)."""
