"""Choices that several commands offer."""

from __future__ import annotations

from enum import Enum


class Together(str, Enum):
    """When jobs are trained together."""

    auto = "auto"
    always = "always"
    never = "never"


class Device(str, Enum):
    """Where a backend computes."""

    auto = "auto"
    cpu = "cpu"
    cuda = "cuda"
    ascend = "ascend"
