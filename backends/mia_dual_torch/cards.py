"""Which devices there are, and which of them each worker computes on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Optional

import torch

from mia_dual.errors import BackendError


def devices() -> list[str]:
    """``cuda`` where a GPU answers, then ``cpu``."""
    return ["cuda", "cpu"] if torch.cuda.is_available() else ["cpu"]


def choose(device: str) -> list[torch.device]:
    """What ``device`` means: the CPU, all cards (``cuda``), or one (``cuda:1``).

    Raises BackendError where that is not to be had.
    """
    available = devices()
    chosen = available[0] if device == "auto" else device
    count = torch.cuda.device_count() if "cuda" in available else 0
    cards = {f"cuda:{number}": torch.device("cuda", number) for number in range(count)}
    if chosen in cards:
        return [cards[chosen]]
    if chosen not in available:
        raise BackendError(
            f"device '{device}' is not to be had by backend 'torch' here: "
            f"choose one of auto, {', '.join([*available, *cards])}"
        )
    return list(cards.values()) if chosen == "cuda" else [torch.device("cpu")]


def place_workers(chosen: Sequence[torch.device], workers: Optional[int]) -> list[torch.device]:
    """The device of each worker, in turn: so many ``workers``, or else one a core of the CPU, and
    one a card.
    """
    each = torch.get_num_threads() if chosen[0].type == "cpu" else len(chosen)
    return [chosen[number % len(chosen)] for number in range(workers or each)]


def check_alike(places: Sequence[torch.device]) -> None:
    """Raise BackendError where ``places`` are cards of more than one model: results would depend
    on which of them did what.
    """
    if places[0].type == "cpu":
        return
    names = {place: torch.cuda.get_device_name(place) for place in places}
    for place, name in names.items():
        if name != names[places[0]]:
            raise BackendError(
                f"cards would not compute alike: {places[0]} is {names[places[0]]}, {place} is "
                f"{name}: choose one with --device {places[0]}, or hide one from "
                "CUDA_VISIBLE_DEVICES"
            )
