"""The states that the first target passes on its way: what its training curve is of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from mia_dual.config import Config
from mia_dual.engine import Engine
from mia_dual.interface import Capability
from mia_dual.plan.plan import FIRST, Plan
from mia_dual.store.folder import RunFolder
from mia_dual.store.keys import answers_key, array_digest, moments_key
from mia_dual.training.family import Family, Member
from mia_dual.training.planned import planned_member


@dataclass(frozen=True)
class Stage:
    """The first target after ``epochs`` of its training, which is ``member`` as it is trained.

    ``model`` and ``answers``: the store's keys of its weights, and of what it says of the records
    under audit.
    """

    epochs: int
    member: Member
    model: str
    answers: str


def curve_epochs(points: int, epochs: int) -> list[int]:
    """At most ``points`` of the epochs 1 .. ``epochs``, evenly spread and rising, the last one
    among them; none where ``points`` is 0.
    """
    count = min(points, epochs)
    return [-(-epochs * number // count) for number in range(1, count + 1)]


def has_curve(config: Config, engine: Engine) -> bool:
    """Whether the first target's training is watched; not where ``engine`` fits models at once, or
    the target was trained elsewhere.
    """
    by_steps = Capability.STEPS in engine.capabilities
    return by_steps and config.target.weights is None and config.target.curve > 0


def target_stages(plan: Plan, config: Config, family: Family, engine: Engine) -> dict[str, Stage]:
    """The stages before the last of the first target's curve, by name; the last is the target.

    ``family`` is the target's. None where it has no curve. Slices and groups have no part in them:
    they are of one model.
    """
    if not has_curve(config, engine):
        return {}
    model, asked = plan.models[FIRST], array_digest(plan.target_rows)
    # Trainings that begin alike have the keys of their beginnings in common.
    whole = planned_member(model, family.settings.epochs, plan.seed)
    chain = family.keys(engine.environment, whole)
    stages = {}
    for number in curve_epochs(config.target.curve, family.settings.epochs)[:-1]:
        member = replace(planned_member(model, number, plan.seed), weights_only=True)
        key = chain[number]
        name = f"{FIRST}-epoch-{number:03d}"
        stages[name] = Stage(number, member, key, answers_key(key, asked))
    return stages


def lacking(stages: Mapping[str, Stage], folder: RunFolder) -> dict[str, Stage]:
    """Those of ``stages`` whose answers are not stored: the others are needed no more."""
    folder.refer(stage.answers for stage in stages.values())
    return {
        name: stage for name, stage in stages.items() if folder.find_sound(stage.answers) is None
    }


def release(stages: Mapping[str, Stage], folder: RunFolder) -> None:
    """Let the store have the room of ``stages`` back, which were asked, unless a run needs them.

    What a run left that was stopped before it came to this goes, too.
    """
    models = [stage.model for stage in stages.values()]
    keys = [*models, *map(moments_key, models)]
    folder.release(filter(folder.store.has, keys))
