"""How a backend may use the machine; none of it changes what is computed."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal, Optional

from pydantic import ByteSize, TypeAdapter, ValidationError

from mia_dual.errors import ConfigError

Together = Literal["auto", "always", "never"]

SHARE_OF_FREE_MEMORY = 0.5
"""What is taken of the memory that is free when nobody sets a limit."""


@dataclass(frozen=True)
class Execution:
    """Choices about time and memory.

    ``together``: train the jobs of a call with stacked parameters always, never, or where the
    backend measured it to be faster. ``memory``: bytes that models in training may take; None is
    half of what is free. ``workers``: threads or processes that train side by side on a CPU; None
    leaves it to the backend, which takes a core each where that pays.
    """

    together: Together = "auto"
    memory: Optional[int] = None
    workers: Optional[int] = None


DEFAULT = Execution()


def parse_memory(text: str) -> int:
    """Bytes of a size such as ``4GB``, ``512MiB`` or ``1000000``; raises ConfigError."""
    try:
        size = int(TypeAdapter(ByteSize).validate_python(text))
    except ValidationError as error:
        raise ConfigError(f"--memory '{text}' is no size: write it as in 4GB or 512MiB") from error
    if size <= 0:
        raise ConfigError(f"--memory '{text}' leaves nothing to train in: write it as in 4GB")
    return size


def free_memory() -> int:
    """Bytes of main memory that are free now; on systems that do not say, 4 GiB."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 4 * 2**30


def models_that_fit(limit: int, bytes_a_model: int) -> int:
    """How many models may be in training at once within ``limit`` bytes: one at least."""
    return max(1, limit // max(bytes_a_model, 1))
