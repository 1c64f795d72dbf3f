"""Images moved by pixels, and mirrored: what augmented training makes of them, too."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from mia_dual.errors import DataError
from mia_dual.interface import Records
from mia_dual.queries.alteration import need_images

Padding = Literal["edge", "background"]
"""What comes in where an image moves away: its outermost pixels repeated, or its least value."""


@dataclass(frozen=True)
class Shift:
    """Every image moved ``down`` and ``right`` by so many pixels; negative: up and left."""

    down: int
    right: int
    padding: Padding = "edge"

    @property
    def name(self) -> str:
        """``shift 1 down 2 left``, ``shift 1 right``."""
        words = [
            f"{abs(pixels)} {ways[pixels < 0]}"
            for pixels, ways in ((self.down, ("down", "up")), (self.right, ("right", "left")))
            if pixels
        ]
        return " ".join(["shift", *(words or ["nowhere"])])

    def describe(self) -> dict[str, Any]:
        """See :class:`mia_dual.queries.alteration.Alteration`."""
        return {"kind": "shift", **asdict(self)}

    def apply(self, records: Records, rows: np.ndarray) -> Records:
        """See :class:`mia_dual.queries.alteration.Alteration`.

        Raises DataError for records that are no images, and images that would move out of sight.
        """
        need_images("shift", records.features.shape[1:])
        chosen = records.take(rows)
        images = chosen.features
        height, width = images.shape[2:]
        if abs(self.down) >= height or abs(self.right) >= width:
            raise DataError(
                f"queries: {self.name} moves images of {height} x {width} pixels out of sight: "
                "ask for fewer shifts"
            )
        down, across = np.arange(height) - self.down, np.arange(width) - self.right
        moved = images[:, :, down.clip(0, height - 1)][:, :, :, across.clip(0, width - 1)]
        if self.padding == "background":
            seen = ((down >= 0) & (down < height))[:, None] & ((across >= 0) & (across < width))
            moved = np.where(seen, moved, images.min(axis=(1, 2, 3), keepdims=True))
        return Records(moved, chosen.labels, records.scale, records.shift)


@dataclass(frozen=True)
class Mirror:
    """Every image with left and right exchanged."""

    name = "mirror"

    def describe(self) -> dict[str, Any]:
        """See :class:`mia_dual.queries.alteration.Alteration`."""
        return {"kind": "mirror"}

    def apply(self, records: Records, rows: np.ndarray) -> Records:
        """See :class:`mia_dual.queries.alteration.Alteration`; DataError where none are images."""
        need_images("mirror", records.features.shape[1:])
        chosen = records.take(rows)
        mirrored = np.ascontiguousarray(chosen.features[..., ::-1])
        return Records(mirrored, chosen.labels, records.scale, records.shift)
