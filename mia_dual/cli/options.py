"""Choices that commands offer, and what a user's words for them mean."""

from __future__ import annotations

from enum import Enum

from mia_dual.errors import ConfigError


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


def parse_memory(text: str) -> int:
    """Bytes of a size such as ``4GB``, ``512MiB`` or ``1000000``; raises ConfigError."""
    from pydantic import ByteSize, TypeAdapter, ValidationError

    try:
        size = int(TypeAdapter(ByteSize).validate_python(text))
    except ValidationError as error:
        raise ConfigError(f"--memory '{text}' is no size: write it as in 4GB or 512MiB") from error
    if size <= 0:
        raise ConfigError(f"--memory '{text}' leaves nothing to train in: write it as in 4GB")
    return size
