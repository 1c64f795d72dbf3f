"""Every picture of a run, in the order of its page."""

from __future__ import annotations

from mia_dual.report.pictures.agreement import agreement_picture
from mia_dual.report.pictures.classes import classes_picture
from mia_dual.report.pictures.cost import cost_picture
from mia_dual.report.pictures.deletion import deletion_picture
from mia_dual.report.pictures.exposure import exposure_picture
from mia_dual.report.pictures.forgetting import forgetting_picture
from mia_dual.report.pictures.learning import learning_picture
from mia_dual.report.pictures.picture import Picture
from mia_dual.report.pictures.roc import roc_picture
from mia_dual.report.pictures.scores import scores_picture
from mia_dual.report.pictures.strength import strength_picture
from mia_dual.walks.finished import FinishedRun

MAKERS = (
    strength_picture,
    roc_picture,
    scores_picture,
    agreement_picture,
    classes_picture,
    exposure_picture,
    deletion_picture,
    forgetting_picture,
    cost_picture,
    learning_picture,
)


def pictures_of(run: FinishedRun) -> list[Picture]:
    """Those that ``run`` has something for, in the order of the page.

    Raises StoreError where a file of the run is missing or damaged.
    """
    made = (make(run) for make in MAKERS)
    return [one for one in made if one is not None]
