"""Ascend cards: whether there are any, and which are this process's.

Nothing else in this package is true of a card alone; docs/ascend.md says how to check each point
on hardware.
"""

from __future__ import annotations

import os
from collections.abc import Mapping

import mindspore as ms

from mia_dual.errors import BackendError
from mia_dual.quoting import quoted

VARIABLES = ("DEVICE_ID", "ASCEND_DEVICE_ID")
"""Either names the card of a process that a platform started once a card; the first counts."""


def has_card() -> bool:
    """Whether a card answers."""
    try:
        return bool(ms.hal.is_available("Ascend"))
    except (AttributeError, RuntimeError, ValueError):
        # MindSpore 2.2 has no such question, and takes the best device there is by default.
        return str(ms.get_context("device_target")) == "Ascend"


def own_cards(environment: Mapping[str, str]) -> list[int]:
    """The numbers of the cards that this process may have work done on: the one that
    ``environment`` names, or else all that answer.
    """
    if any(environment.get(name, "").strip() for name in VARIABLES):
        return [card_number(environment)]
    try:
        return list(range(max(1, int(ms.hal.device_count("Ascend")))))
    except (AttributeError, RuntimeError, ValueError):
        # MindSpore 2.2 does not count them.
        return [0]


def start_card() -> None:
    """Have this process compute on its card; raises BackendError for a number that is none.

    The number is always said: where it is not, MindSpore 2.5 and later take card 0 in every
    process that its own launcher did not start.
    """
    number = card_number(os.environ)
    if hasattr(ms, "set_device"):
        ms.set_device("Ascend", number)
    else:
        ms.set_context(device_target="Ascend", device_id=number)


def card_number(environment: Mapping[str, str]) -> int:
    """The card that ``environment`` names; 0 where it names none."""
    for name in VARIABLES:
        text = environment.get(name, "").strip()
        if text:
            if not (text.isascii() and text.isdigit()):
                raise BackendError(f"{name}={quoted(text)} is no number of a card: write 0, 1, ...")
            return int(text)
    return 0
