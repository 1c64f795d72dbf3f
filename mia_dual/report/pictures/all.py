"""All pictures of a run, in the order in which a reader sees them."""

from __future__ import annotations

from mia_dual.report.pictures.picture import Picture
from mia_dual.walks.finished import FinishedRun


def pictures_of(run: FinishedRun) -> list[Picture]:
    """The pictures that ``run`` has something to show in."""
    return []
