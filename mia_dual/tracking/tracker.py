"""What every tracker takes of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from mia_dual.tracking.figures import Figure


class Tracker(Protocol):
    """Where a run is noted; any method may raise whatever the tracker's own package raises."""

    def start(self, name: str) -> None:
        """Begin a run of that ``name``, which another may have, too."""
        ...

    def settings(self, settings: Mapping[str, Any]) -> None:
        """Note its settings, nested as in YAML."""
        ...

    def figures(self, figures: Sequence[Figure]) -> None:
        """Note what was measured."""
        ...

    def file(self, path: Path) -> None:
        """Keep a copy of a file, or of what the tracker can show of it."""
        ...

    def end(self, whole: bool) -> None:
        """Nothing more comes; ``whole``: everything came."""
        ...
