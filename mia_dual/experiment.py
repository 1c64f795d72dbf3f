"""The whole audit, step by step: from a config to a run folder and its results."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from mia_dual.attacks.assessment import assess
from mia_dual.attacks.base import Attack
from mia_dual.attacks.evidence import gather_evidence
from mia_dual.attacks.fit import fit_attacks
from mia_dual.config import Config
from mia_dual.data.dataset import Dataset
from mia_dual.data.records import as_records
from mia_dual.deletion.audit import audit_deletion
from mia_dual.deletion.models import (
    Auditor,
    Deletion,
    FullRetraining,
    GroupedRetraining,
    full_retraining_rows,
    group_retraining_rows,
    group_rows,
)
from mia_dual.interface import Backend, NetworkSpec, Records
from mia_dual.plan.groups import draw_groups
from mia_dual.plan.requests import Request, draw_requests
from mia_dual.plan.splits import Membership, Split, balanced, draw_split
from mia_dual.predictions import Predictions
from mia_dual.progress import Progress
from mia_dual.report.results import (
    AttackResult,
    DataResult,
    DeletionResult,
    GroupedResult,
    ModelResult,
    Results,
)
from mia_dual.seeds import generator
from mia_dual.signals import confidences
from mia_dual.store.folder import RunFolder
from mia_dual.store.index import Entry
from mia_dual.training.trainer import Recipe, Trainer


def run_audit(
    config: Config, backend: Backend, dataset: Dataset, folder: RunFolder, progress: Progress
) -> Results:
    """Run the audit of ``config`` on ``dataset``, into ``folder``, or go on with it.

    What the folder holds already is not made again. Raises DataError or ConfigError before
    anything is trained when the data set cannot give what is asked of it.
    """
    records = as_records(dataset, config.target.network, config.data.image_size)
    labels = dataset.labels
    split = draw_split(len(dataset.labels), config)
    groups = draw_groups(config, split.target.members) if _wants_groups(config) else []
    requests = draw_requests(config, split.target.members, labels, groups)
    folder.write_json("environment.json", {"backend": backend.name, **backend.environment()})
    folder.write_arrays("splits.npz", _split_arrays(split, groups, requests))

    shape = records.features.shape[1:]
    spec = NetworkSpec(config.target.network, shape, dataset.classes, config.target.hidden)
    recipe = Recipe(spec, config.target)
    trainer = Trainer(backend, folder, progress, config.seed)
    auditor = Auditor(trainer, recipe, records, split.target.rows)

    # All at once, since models of one network train faster together; what follows finds them.
    trainer.train("models", recipe, _all_rows(config, split, groups, requests), records)
    target_rows = {"target": split.target.members}
    target_entry = trainer.train("target model", recipe, target_rows, records)["target"]
    target = auditor.predictions("target", target_entry)
    attacks = _attack_by_shadows(config, split, trainer, recipe, records, dataset.classes)
    judge = _Judge(config, split, labels, attacks)

    methods: list[Deletion] = []
    if "full" in config.deletion.methods and requests:
        methods.append(FullRetraining(auditor, target))
    grouped = None
    if "grouped" in config.deletion.methods and requests:
        grouped = GroupedRetraining(auditor, groups, config.deletion.aggregation)
        methods.append(grouped)

    deletion: list[DeletionResult] = []
    costs: list[dict[str, Any]] = []
    for request in requests:
        for method in methods:
            result, cost = audit_deletion(
                method, request, attacks, split.target.non_members, labels, config.seed
            )
            deletion.append(result)
            costs.append({"request": request.name, "method": method.method, **asdict(cost)})

    results = Results(
        backend=backend.name,
        seed=config.seed,
        network=config.target.network,
        data=DataResult(
            name=config.data.name,
            digest=dataset.digest(),
            records=len(labels),
            classes=dataset.classes,
            shape=shape,
        ),
        shadows=config.shadows.count,
        target=judge.model(target),
        attacks=judge.attacks(target),
        grouped=None
        if grouped is None
        else GroupedResult(
            **judge.model(grouped.before).model_dump(),
            groups=len(groups),
            attacks=judge.attacks(grouped.before),
        ),
        deletion=deletion,
    )
    folder.write_json("results.json", results.model_dump(mode="json"))
    folder.write_json("cost.json", _costs(target_entry, grouped, costs))
    folder.log("done")
    return results


def _wants_groups(config: Config) -> bool:
    wanted = config.deletion
    return "grouped" in wanted.methods or wanted.placement == "concentrated"


def _all_rows(
    config: Config, split: Split, groups: list[np.ndarray], requests: list[Request]
) -> dict[str, np.ndarray]:
    """Name -> rows of every model of the target's recipe that the audit needs."""
    rows = {"target": split.target.members, **_shadow_rows(split)}
    for request in requests:
        if "full" in config.deletion.methods:
            rows.update(full_retraining_rows(request))
    if "grouped" in config.deletion.methods and requests:
        rows.update(group_rows(groups))
        for request in requests:
            rows.update(group_retraining_rows(groups, request))
    return rows


def _shadow_rows(split: Split) -> dict[str, np.ndarray]:
    return {f"shadow-{number:02d}": shadow.members for number, shadow in enumerate(split.shadows)}


def _attack_by_shadows(
    config: Config,
    split: Split,
    trainer: Trainer,
    recipe: Recipe,
    records: Records,
    classes: int,
) -> list[Attack]:
    rows = _shadow_rows(split)
    entries = trainer.train("shadow models", recipe, rows, records)
    outputs = [
        confidences(trainer.logits(recipe, name, entries[name], records.take(shadow.rows)))
        for name, shadow in zip(rows, split.shadows)
    ]
    evidence = gather_evidence(split.shadows, outputs, records.labels, classes, config.seed)
    return fit_attacks(config, evidence, trainer)


class _Judge:
    """Measures a model as it was first trained, on the target's members and non-members."""

    def __init__(
        self, config: Config, split: Split, labels: np.ndarray, attacks: list[Attack]
    ) -> None:
        self._split = split
        self._labels = labels
        self._attacks = attacks
        self._truth: Membership = balanced(
            split.target.members,
            split.target.non_members,
            labels,
            generator(config.seed, "attack", "balance", "target"),
        )

    def model(self, predictions: Predictions) -> ModelResult:
        """Accuracy on members and non-members."""
        target = self._split.target
        return ModelResult(
            train_accuracy=predictions.accuracy(target.members, self._labels),
            test_accuracy=predictions.accuracy(target.non_members, self._labels),
        )

    def attacks(self, predictions: Predictions) -> dict[str, AttackResult]:
        """Every attack's success on balanced members and non-members."""
        return {
            attack.name: assess(attack, predictions, self._truth, self._labels)
            for attack in self._attacks
        }


def _split_arrays(
    split: Split, groups: list[np.ndarray], requests: list[Request]
) -> dict[str, np.ndarray]:
    arrays = {
        "target_members": split.target.members,
        "target_non_members": split.target.non_members,
        "shadow_pool": split.pool,
    }
    for number, shadow in enumerate(split.shadows):
        arrays[f"shadow_{number:02d}_members"] = shadow.members
        arrays[f"shadow_{number:02d}_non_members"] = shadow.non_members
    for number, group in enumerate(groups):
        arrays[f"group_{number:02d}"] = group
    for request in requests:
        arrays[f"deleted_{request.slug}"] = request.deleted
    return arrays


def _costs(
    target: Entry, grouped: GroupedRetraining | None, deletions: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "target": {"seconds": target.seconds, "steps": target.steps},
        "grouped": None if grouped is None else asdict(grouped.cost),
        "deletion": deletions,
    }
