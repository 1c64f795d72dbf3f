"""Signals of what models say of altered copies of the records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np

from mia_dual.attacks.asked import Means
from mia_dual.attacks.label_only import rightly_called, share_kept
from mia_dual.attacks.views import Scene, need_means
from mia_dual.deletion.versions import joined, version_logits
from mia_dual.plan.plan import Version
from mia_dual.queries.alteration import Alteration
from mia_dual.queries.asking import AlteredAnswers, ask_altered
from mia_dual.signals import SIGNALS


class Copies:
    """Altered copies of a run's records. All its models are asked about all copies when someone
    first looks; one model's answers under one alteration are in memory at a time.
    """

    def __init__(self, alterations: Sequence[Alteration]) -> None:
        self.alterations = tuple(alterations)
        self._means: Optional[Means] = None
        self._answers: dict[str, AlteredAnswers] = {}

    def logits(self, version: Version, alteration: int, scene: Scene) -> np.ndarray:
        """What ``version`` says of the copies of the scene's rows under one of the ``alterations``.

        (rows, classes), as :func:`mia_dual.deletion.versions.version_logits`.
        """
        answers = self._asked(need_means(scene.means))
        said = [answers[model].of(model, alteration) for model in version.models]
        places = np.searchsorted(answers[version.models[0]].rows, scene.rows)
        return joined([logits[places] for logits in said], version.aggregation, version.sizes)

    def _asked(self, means: Means) -> dict[str, AlteredAnswers]:
        if self._means is not means:
            self._answers = {}
            for family, models in means.by_family():
                found = ask_altered(
                    means.trainer,
                    means.folder,
                    family,
                    models,
                    self.alterations,
                    means.rows,
                    means.progress,
                )
                self._answers.update(dict.fromkeys(models, found))
            self._means = means
        return self._answers


@dataclass(frozen=True)
class OfCopies:
    """One of :data:`mia_dual.signals.SIGNALS`, of logits of the copies under one alteration."""

    signal: str
    copies: Copies
    alteration: int

    def describe(self) -> dict[str, Any]:
        """See :class:`mia_dual.attacks.views.View`."""
        altered = self.copies.alterations[self.alteration].describe()
        return {"signal": self.signal, "altered": altered}

    def of(self, version: Version, scene: Scene) -> np.ndarray:
        """See :class:`mia_dual.attacks.views.View`."""
        logits = self.copies.logits(version, self.alteration, scene)
        return SIGNALS[self.signal](logits, scene.labels)


@dataclass(frozen=True)
class LabelsKept:
    """The share of a record and its copies that are called rightly
    (:func:`mia_dual.attacks.label_only.share_kept`): of logits the largest alone is looked at.
    """

    copies: Copies

    def describe(self) -> dict[str, Any]:
        """See :class:`mia_dual.attacks.views.View`."""
        altered = [alteration.describe() for alteration in self.copies.alterations]
        return {"signal": "share_kept", "altered": altered}

    def of(self, version: Version, scene: Scene) -> np.ndarray:
        """See :class:`mia_dual.attacks.views.View`; values of float32, since many are equal."""
        right = [rightly_called(version_logits(version, scene.answers, scene.rows), scene.labels)]
        for place in range(len(self.copies.alterations)):
            right.append(rightly_called(self.copies.logits(version, place, scene), scene.labels))
        return share_kept(np.stack(right)).astype(np.float32).astype(np.float64)
