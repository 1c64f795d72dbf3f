"""The walk that starts at answers: a user's saved outputs, attacked as a run's would be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Optional, get_args

import numpy as np

from mia_dual.answers import Answers
from mia_dual.attack_settings import AttackModelName
from mia_dual.attacks.base import Need
from mia_dual.attacks.choice import Choice
from mia_dual.config import NO_BACKEND, Config, DataSettings
from mia_dual.data.outputs import OUTPUTS, Outputs, Table
from mia_dual.engine import Engine
from mia_dual.plan.document import plan_arrays, plan_document
from mia_dual.plan.given import outputs_labels, outputs_plan
from mia_dual.plan.plan import GIVEN, Plan
from mia_dual.plan.splits import lacking_evidence
from mia_dual.progress import Progress
from mia_dual.report.results import DataResult, Results
from mia_dual.store.folder import RunFolder
from mia_dual.store.keys import array_digest, key_of
from mia_dual.training.trainer import Trainer
from mia_dual.walks.crowd import together
from mia_dual.walks.curves import roc_arrays
from mia_dual.walks.finish import finish
from mia_dual.walks.judge import Judge
from mia_dual.walks.offered import offered_by_references
from mia_dual.walks.scoring import score
from mia_dual.walks.shadows import real_references

REMEDIES = {
    Need.SHADOWS: "'reference_logits' and 'reference_membership' in the file, of each class both "
    "members and non-members",
    Need.OUT: "references that were asked about the target's records and not trained on all",
    Need.IN: "references that were trained on some of the target's records",
    Need.PROXIES: "references that were trained on some of the target's records",
    Need.POPULATION: "nothing in the file gives them",
    Need.ATTACK_MODELS: "--backend",
    Need.FEATURES: "`mia-dual run` has them",
    Need.TRAINING: "`mia-dual run` has one",
    Need.QUERIES: "saved outputs cannot be asked: mia-dual run, with target.weights for a model "
    "that is trained already",
    Need.GRADIENTS: "saved outputs have none: mia-dual run, with target.weights for a model that "
    "is trained already",
}
"""What gives the user each need."""


def outputs_config(config: Config, outputs: Outputs, backend: Optional[str] = None) -> Config:
    """What of ``config`` an audit of ``outputs`` depends on.

    ``backend`` trains attack models; None: nothing does, whatever backend ``config`` names. Where
    ``config`` chooses no attack models, it is all of them.
    """
    attack = config.attack
    if "models" not in attack.model_fields_set:
        attack = attack.model_copy(update={"models": get_args(AttackModelName)})
    return Config(
        backend=NO_BACKEND if backend is None else backend,
        device=config.device,
        seed=config.seed,
        data=DataSettings(name=OUTPUTS, file=outputs.file),
        attack=attack,
    )


def attack_outputs(
    config: Config,
    outputs: Outputs,
    engine: Optional[Engine],
    folder: RunFolder,
    progress: Progress,
) -> Results:
    """Attack ``outputs``, into ``folder``; ``config`` as :func:`outputs_config` gives it.

    ``engine`` trains attack models; None where none of them is to be trained. Raises ConfigError
    where no attack can run, or none of a family that ``config`` names.
    """
    plan, labels = outputs_plan(outputs, config.seed), outputs_labels(outputs)
    trainer = None if engine is None else Trainer(engine, folder, progress)
    if engine is not None:
        engine.recall(folder.read_json("environment.json"))
    there = _offered(plan, labels, trains=engine is not None)
    choice = Choice(there, trainer, folder, config.seed, REMEDIES)
    attacks, not_run = choice.attacks(config.attack)
    folder.write_json("environment.json", engine.record() if engine else {"backend": NO_BACKEND})
    folder.write_json("plan.json", plan_document(plan))
    folder.write_arrays("plan.npz", plan_arrays(plan))

    answers = _answers(outputs, plan)
    references = real_references(plan, labels, outputs.classes, answers)
    versions = list(plan.versions.values())
    scores = score(attacks, references, versions, answers, plan.target_rows, folder, progress)
    folder.write_arrays("scores.npz", scores.arrays(labels))

    judge = Judge(plan, labels, answers, scores, drawn=False)
    originals = judge.places("original")
    folder.write_arrays("roc.npz", roc_arrays(scores, originals))
    results = Results(
        backend=config.backend,
        seed=config.seed,
        network=GIVEN,
        data=DataResult(
            name=outputs.file.name,
            digest=key_of({"target": answers.key("target"), "labels": array_digest(labels)}),
            records=len(outputs.labels),
            classes=outputs.classes,
            shape=(outputs.classes,),
        ),
        targets=1,
        shadows=len(plan.shadows),
        design=GIVEN,
        population=0,
        target=judge.model("original"),
        attacks=judge.attacks("original"),
        not_run=not_run,
        together=together(scores, originals),
        exposure=None,
        grouped=None,
        deletion=[],
        compared=[],
    )
    return finish(folder, results)


def _offered(plan: Plan, labels: np.ndarray, trains: bool) -> frozenset[Need]:
    rows, shadows = plan.target_rows, plan.split.shadows
    classes = np.unique(labels[rows])
    there = {
        Need.SHADOWS: bool(shadows) and not len(lacking_evidence(shadows, labels, classes)),
        Need.ATTACK_MODELS: trains,
        Need.SINGLE: True,
    }
    found = frozenset(need for need, given in there.items() if given)
    return found | offered_by_references(plan)


def _answers(outputs: Outputs, plan: Plan) -> Answers:
    """The table as the plan's models fill it; what a model says is turned to logits when asked."""
    tables = [(outputs.target, 0)]
    if outputs.references is not None:
        tables += [(outputs.references.table, number) for number in range(len(plan.shadows))]
    labels = outputs_labels(outputs)
    return Answers(
        {model.name: model.asked for model in plan.models.values()},
        _Said(dict(zip(plan.models, tables))),
        {
            model.name: key_of(
                {
                    "given": array_digest(table.values[number]),
                    "form": table.form,
                    "labels": array_digest(labels[model.asked]),
                    # Whom the target was trained on is for figures alone: no score depends on it.
                    "members": array_digest(model.members) if model.role == "shadow" else None,
                }
            )
            for model, (table, number) in zip(plan.models.values(), tables)
        },
    )


class _Said(Mapping[str, np.ndarray]):
    """Model -> logits (records, classes), of models by their tables and numbers there."""

    def __init__(self, tables: Mapping[str, tuple[Table, int]]) -> None:
        self._tables = tables

    def __getitem__(self, model: str) -> np.ndarray:
        table, number = self._tables[model]
        return table.logits(number)

    def __iter__(self) -> Iterator[str]:
        return iter(self._tables)

    def __len__(self) -> int:
        return len(self._tables)
