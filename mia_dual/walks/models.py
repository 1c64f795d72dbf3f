"""Makes the models of a plan, and asks them: each kind once all that it leans on is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np

from mia_dual.answers import Answers, ask
from mia_dual.config import Config
from mia_dual.deferred import Deferred
from mia_dual.plan.draft import TARGET
from mia_dual.plan.plan import Plan
from mia_dual.progress import Progress
from mia_dual.store.folder import RunFolder
from mia_dual.training.family import Family
from mia_dual.training.planned import plan_members
from mia_dual.training.stages import Stage, lacking, target_stages
from mia_dual.training.trainer import Trained, Trainer
from mia_dual.walks.approximations import Treated, check_treatable
from mia_dual.walks.learning import ask_stages


@dataclass
class Models:
    """Models of a plan by name: what is ``trained``, of which of the ``families`` each is, and
    ``answers`` to what the plan asks them; ``stages`` of the first target's training, and what
    each ``said`` of the records under audit.
    """

    trained: dict[str, Trained]
    families: dict[str, Family]
    answers: Answers
    stages: dict[str, Stage]
    said: Answers


def make_models(
    plan: Plan,
    config: Config,
    labels: np.ndarray,
    families: Mapping[str, Family],
    given: Mapping[str, Trained],
    trainer: Trainer,
    folder: RunFolder,
    progress: Progress,
) -> Models:
    """All models of ``plan`` but those of made records; what the store holds is not made again.

    ``labels`` (records,) are those of all records, ``families`` those of the plan's recipes, and
    ``given`` are models of the targets' recipe that were trained elsewhere. Raises BackendError or
    NetworkError, before anything trains, where what approximates deletion cannot be trained.
    """
    check_treatable(plan, config, families[TARGET], trainer.engine)
    stages = target_stages(plan, config, families[TARGET], trainer.engine)
    made = Models({}, {}, Answers({}, {}, {}), stages, Answers({}, {}, {}))

    def add(family: Family, found: Mapping[str, Trained]) -> None:
        for name, model in found.items():
            folder.link(model.entry, f"models/{name}.safetensors")
            for number, (state, moments) in enumerate(model.passed):
                folder.link(state, f"slices/{name}-{number:03d}.safetensors")
                folder.link(moments, f"slices/{name}-{number:03d}-moments.safetensors")
        asked = Deferred({name: partial(getattr, plan.models[name], "asked") for name in found})
        made.answers |= ask(trainer, folder, family, found, asked, progress)
        made.trained.update(found)
        made.families.update(dict.fromkeys(found, family))

    for recipe, family in families.items():
        # All models of a recipe in one call, since they train faster together.
        more = lacking(stages, folder) if recipe == TARGET else {}
        passed = {name: stage.member for name, stage in more.items()}
        found = trainer.train("models", family, {**plan_members(plan, recipe), **passed})
        if recipe == TARGET and stages:
            asked = {name: found.pop(name) for name in more}
            made.said = ask_stages(plan, stages, asked, trainer, folder, family, progress)
        add(family, {**found, **(given if recipe == TARGET else {})})
    if config.deletion.approximate:
        family = families[TARGET]
        treated = Treated(plan, config, labels, trainer, family, made.trained, made.answers)
        add(family, treated.train())
    return made
