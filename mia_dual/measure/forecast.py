"""What a plan will take, before anything of it trains: steps, operations, seconds and disk."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import joblib
import numpy as np

from mia_dual.engine import Engine
from mia_dual.flops import training_flops
from mia_dual.interface import NO_RECORD, Capability, TrainingJob, Weights
from mia_dual.plan.draft import TARGET
from mia_dual.plan.plan import FIRST, Plan
from mia_dual.store.keys import answers_key, array_digest
from mia_dual.store.objects import Store
from mia_dual.training.family import Family, Member, suited
from mia_dual.training.jobs import built_weights, first_state, make_job
from mia_dual.training.planned import plan_members
from mia_dual.training.stages import Stage
from mia_dual.training.waiting import MOMENTS, that_wait
from mia_dual.training.work import total_work

WARM_STEPS = 3
LONGEST = 2.0
"""Seconds that a measurement takes, about."""

ASKED = 512
"""Records each model is asked about to measure questions."""


@dataclass(frozen=True)
class RoleForecast:
    """Models of one role: how many there are, how many the store lacks, and what those take
    beyond slices that they take over from another.

    ``steps`` and ``operations`` mean nothing where models are fitted at once.
    """

    role: str
    models: int
    lacking: int
    steps: int
    operations: int


@dataclass(frozen=True)
class Forecast:
    """``seconds`` for training and ``asking`` for answers, from a short measurement on this
    machine; both without attack models. ``disk`` bytes that the store grows by, at most.
    ``by_steps``: whether models are trained step by step; they are fitted at once where not.
    """

    by_steps: bool
    roles: tuple[RoleForecast, ...]
    seconds: float
    asking: float
    disk: int


def forecast(
    plan: Plan,
    families: Mapping[str, Family],
    engine: Engine,
    store: Store | None,
    treated: Mapping[str, Member] | None = None,
    stages: Mapping[str, Stage] | None = None,
) -> Forecast:
    """What ``plan`` takes beyond what ``store`` holds (None: nothing is stored yet).

    ``families``: of each of the plan's recipes. ``treated``: the models that go on from targets,
    by name (:func:`mia_dual.walks.approximations.outlined_members`); what the store holds of them
    is not known before the targets are there, so all of them count as lacking. ``stages``: of the
    first target's curve (:func:`mia_dual.training.stages.target_stages`); they cost questions, the
    room of their weights until those are answered, and steps where the target is there without
    them.
    """
    scores = len(plan.versions) * len(plan.target_rows) * 8
    parts = [
        _of_family(
            plan,
            name,
            family,
            engine,
            store,
            (treated or {}) if name == TARGET else {},
            _not_asked(stages or {}, store) if name == TARGET else [],
        )
        for name, family in families.items()
    ]
    return Forecast(
        by_steps=Capability.STEPS in engine.capabilities,
        roles=tuple(role for part in parts for role in part.roles),
        seconds=sum(part.seconds for part in parts),
        asking=sum(part.asking for part in parts),
        disk=scores + sum(part.disk for part in parts),
    )


def _of_family(
    plan: Plan,
    recipe: str,
    family: Family,
    engine: Engine,
    store: Store | None,
    treated: Mapping[str, Member],
    stages: Sequence[Stage],
) -> Forecast:
    environment = engine.environment
    by_steps = Capability.STEPS in engine.capabilities
    planned = {**plan_members(plan, recipe), **treated}
    family, members = suited(family, planned, engine.capabilities)
    keys = {name: family.keys(environment, member)[-1] for name, member in members.items()}
    lacking = [name for name, key in keys.items() if store is None or store.find(key) is None]
    asked = {name: plan.models[name].asked for name in members}
    questions = [
        name
        for name, rows in asked.items()
        if store is None or store.find(answers_key(keys[name], array_digest(rows))) is None
    ]
    missing = [members[name] for name in lacking]
    again = [] if FIRST in lacking else [stage.member for stage in stages[-1:]]
    missing += again
    each, copies = 0.0, 1
    weights = built_weights(family, engine.backend, seed=0)
    if by_steps:
        wave = that_wait(family, missing, weights, engine.execution)
        each = _step_seconds(family, engine, missing[:wave])
        copies = 1 + MOMENTS[family.settings.optimizer]
    elif missing or questions:
        each, weights = _fit_seconds(family, engine, missing or list(members.values()))
    operations = training_flops(family.spec, weights)
    roles, states = [], 0
    for role in dict.fromkeys(plan.models[name].role for name in members):
        names = [name for name in members if plan.models[name].role == role]
        wanted = [name for name in names if name in lacking]
        work = total_work([plan.models[name] for name in wanted], family, plan.seed)
        # A fit is a step where models are fitted at once, and keeps nothing on the way.
        steps = work.steps if by_steps else work.models
        records = work.records
        if role == "target":
            steps += sum(map(family.steps, again))
            records += sum(member.epochs * len(member.rows) for member in again)
        states += work.states if by_steps else work.models
        roles.append(RoleForecast(role, len(names), len(wanted), steps, records * operations))
    steps = sum(role.steps for role in roles)
    records = sum(len(asked[name]) for name in questions) + len(stages) * len(plan.target_rows)
    of_models = (states * copies + len(stages)) * _bytes(weights)
    return Forecast(
        by_steps=by_steps,
        roles=tuple(roles),
        seconds=steps * each,
        asking=records * _question_seconds(family, engine, weights, len(questions) + len(stages)),
        disk=of_models + records * family.spec.classes * 4,
    )


def _not_asked(stages: Mapping[str, Stage], store: Store | None) -> list[Stage]:
    return [stage for stage in stages.values() if store is None or not store.find(stage.answers)]


def _step_seconds(family: Family, engine: Engine, members: Sequence[Member]) -> float:
    """Seconds a model and step, trained together as they will be."""
    if not members:
        return 0.0
    jobs = _jobs(family, engine, members)

    def take(steps: int) -> tuple[float, int]:
        short = [
            replace(
                job,
                batches=job.batches[:steps],
                learning_rates=job.learning_rates[:steps],
                shares=None if job.shares is None else job.shares[:steps],
            )
            for job in jobs
        ]
        started = time.perf_counter()
        for _ in engine.backend.train(
            family.spec, family.optimizer, short, family.records, lambda done: None
        ):
            pass
        return time.perf_counter() - started, sum(len(job.batches) for job in short)

    # The first call loads and compiles; a longer one follows from a shorter one.
    take(WARM_STEPS)
    steps, longest = WARM_STEPS, max(len(job.batches) for job in jobs)
    while True:
        seconds, taken = take(steps)
        if seconds >= LONGEST / 2 or steps >= longest:
            return seconds / taken
        steps = max(2 * steps, round(steps * LONGEST / max(seconds, LONGEST / 20)))


def _fit_seconds(
    family: Family, engine: Engine, members: Sequence[Member]
) -> tuple[float, Weights]:
    """Seconds a model that is fitted at once, beside as many as there are cores, and one such."""
    workers = engine.execution.workers or joblib.cpu_count()
    jobs = _jobs(family, engine, members[:workers])
    records = family.records
    started = time.perf_counter()
    for kept in engine.backend.train(
        family.spec, family.optimizer, jobs, records, lambda done: None
    ):
        weights = kept.state.weights
    return (time.perf_counter() - started) / len(jobs), weights


def _jobs(family: Family, engine: Engine, members: Sequence[Member]) -> list[TrainingJob]:
    return [
        make_job(family, member, member.name, first_state(family, member, engine.backend), 0, ())
        for member in members
    ]


def _question_seconds(family: Family, engine: Engine, weights: Weights, models: int) -> float:
    """Seconds a model and record."""
    if not models:
        return 0.0
    rows = np.full((models, ASKED), NO_RECORD, np.int64)
    count = min(ASKED, len(family.records))
    rows[:, :count] = np.arange(count)
    seconds = 0.0
    for _ in range(2):
        started = time.perf_counter()
        engine.backend.logits(family.spec, [weights] * models, family.records, rows)
        seconds = time.perf_counter() - started
    return seconds / (models * count)


def _bytes(weights: Weights) -> int:
    return sum(array.nbytes for array in weights.values())
