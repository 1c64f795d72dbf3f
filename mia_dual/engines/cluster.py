"""Which Ray cluster does the work, and what each of its tasks takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Optional


@dataclass(frozen=True)
class Cluster:
    """``address`` as Ray has it (``auto``, ``host:6379``, ``ray://host:10001``); None: one that is
    started on this machine, and ends with the process.

    ``gpus`` (a share of one is possible) and ``resources`` (Ray's own names, as ``NPU``) are what
    each task takes; so many tasks run side by side as the cluster has of them. A task takes one
    core.
    """

    address: Optional[str] = None
    gpus: float = 0.0
    resources: Mapping[str, float] = field(default_factory=dict)


OWN = Cluster()
"""One of this machine's own."""
