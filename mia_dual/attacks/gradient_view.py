"""The signal of gradients, asked of all of a run's models when someone first looks."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Optional

import numpy as np

from mia_dual.answers import calls
from mia_dual.attacks.asked import Means
from mia_dual.attacks.gradient_norm import gradient_signal
from mia_dual.attacks.views import Scene, need_means
from mia_dual.plan.plan import Version
from mia_dual.progress import Advance
from mia_dual.signals import LIMIT
from mia_dual.training.family import Family
from mia_dual.training.trainer import Trained


class OfGradients:
    """Minus the log of the norm of a record's gradient, in -80 .. 80 as signals of logits are.

    Of several models that are joined it is that of the root mean square of their norms: what all
    their parameters together feel of the sum of their losses, on one model's scale, so that
    references of one model can set its threshold, too. How they are joined does not matter to it;
    votes have no gradient of their own.
    """

    def __init__(self) -> None:
        self._means: Optional[Means] = None
        self._signals: dict[str, np.ndarray] = {}

    def describe(self) -> dict[str, Any]:
        """See :class:`mia_dual.attacks.views.View`."""
        return {"signal": "gradient_norm"}

    def of(self, version: Version, scene: Scene) -> np.ndarray:
        """See :class:`mia_dual.attacks.views.View`."""
        means = need_means(scene.means)
        if self._means is not means:
            self._signals, self._means = _ask(means), means
        places = np.searchsorted(means.rows, scene.rows)
        single = np.stack([self._signals[model][places] for model in version.models])
        squares = np.logaddexp.reduce(-2 * single, axis=0) - np.log(len(single))
        return np.clip(-squares / 2, -LIMIT, LIMIT)


def _ask(means: Means) -> dict[str, np.ndarray]:
    """The signal of every model, by name: (``means.rows``,) float64."""
    started = time.perf_counter()
    signals: dict[str, np.ndarray] = {}
    families = list(means.by_family())
    asked = sum(len(models) for _, models in families)
    questions = len(means.rows) * asked
    with means.progress.stage("gradients", questions, unit="records", models=asked) as report:
        for family, models in families:
            signals.update(_ask_family(means, family, models, report))
    means.folder.log(
        "ask gradients",
        models=list(signals),
        questions=questions,
        seconds=round(time.perf_counter() - started, 3),
    )
    return signals


def _ask_family(
    means: Means, family: Family, models: Mapping[str, Trained], report: Advance
) -> dict[str, np.ndarray]:
    trainer, rows = means.trainer, means.rows
    signals: dict[str, np.ndarray] = {}
    parameters = len(trainer.weights(next(iter(models.values()))))
    # A norm takes as much memory as two logits, and working on it as much again.
    for names in calls(list(models), dict.fromkeys(models, rows), 4 * parameters, models):
        found = trainer.engine.backend.gradient_norms(
            family.spec,
            [trainer.weights(models[name]) for name in names],
            family.records,
            np.tile(rows, (len(names), 1)),
        )
        signals.update(zip(names, gradient_signal(found)))
        report(len(names) * len(rows), len(names))
    return signals
