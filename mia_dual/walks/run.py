"""The whole walk: plan, train, ask, attack, find."""

from __future__ import annotations

from collections.abc import Sequence

from mia_dual.attacks.asked import Means
from mia_dual.attacks.base import Need
from mia_dual.attacks.choice import Choice
from mia_dual.config import Config
from mia_dual.data.dataset import Dataset
from mia_dual.deletion.ledger import Entry, read_ledger
from mia_dual.engine import Engine
from mia_dual.interface import Capability
from mia_dual.plan.document import plan_arrays, plan_document
from mia_dual.plan.draft import TARGET, plan_dataset
from mia_dual.plan.plan import COMPARED, EXACT, Plan
from mia_dual.progress import Progress
from mia_dual.report.results import DataResult, Results
from mia_dual.report.strength import by_strength
from mia_dual.store.files import checksum_of
from mia_dual.store.folder import FORGETTING, LEDGER, SCORES_WITH_SINGLE, RunFolder
from mia_dual.training.given import given_model
from mia_dual.training.planned import plan_families
from mia_dual.training.stages import has_curve
from mia_dual.training.trainer import Trainer
from mia_dual.training.work import own_steps
from mia_dual.walks.costs import costs
from mia_dual.walks.crowd import most_exposed, together
from mia_dual.walks.curves import roc_arrays
from mia_dual.walks.exposed import exposed_records
from mia_dual.walks.finish import say_done
from mia_dual.walks.forgetting import Inquiry
from mia_dual.walks.group_scoring import score_versions
from mia_dual.walks.judge import Judge
from mia_dual.walks.learning import learning_curve
from mia_dual.walks.models import make_models
from mia_dual.walks.offered import offered_by_references
from mia_dual.walks.remembered import found_from, remembered, written
from mia_dual.walks.shadow_records import Questions
from mia_dual.walks.shadows import (
    grouped_references,
    make_shadows,
    real_references,
    score_with_real,
)


def run_audit(
    config: Config,
    engine: Engine,
    dataset: Dataset,
    folder: RunFolder,
    progress: Progress,
    further: Sequence[Entry] = (),
) -> Results:
    """Run the audit of ``config`` on ``dataset``, into ``folder``, or go on with it.

    What was deleted by request stays so: the folder's ledger is part of the plan, and ``further``
    entries that it does not hold yet. What the store holds already is not made again. Raises
    DataError or ConfigError before anything is trained when the data set cannot give what is asked
    of it, StoreError where the ledger was changed.
    """
    ledger = [*read_ledger(folder.path / LEDGER), *further]
    original, (dataset, plan) = dataset, plan_dataset(config, dataset, ledger)
    families = plan_families(plan, config, dataset)
    trainer = Trainer(engine, folder, progress)
    engine.recall(folder.read_json("environment.json"))
    shape = families[TARGET].spec.input_shape
    there = _offered(plan, engine.capabilities)
    choice = Choice(there, trainer, folder, config.seed, shape=shape)
    attacks, not_run = choice.attacks(config.attack)
    folder.write_json("environment.json", engine.record())
    begun = None if folder.has_results() else plan
    if begun is not None:
        _write_plan(folder, begun)

    given = {}
    if config.target.weights is not None:
        given["target"] = given_model(config.target.weights, engine, folder, families[TARGET])
    models = make_models(plan, config, dataset.labels, families, given, trainer, folder, progress)
    if plan.awaits_exposure:
        exposure = exposed_records(plan, models.answers, dataset.labels)
        dataset, plan = plan_dataset(config, original, ledger, exposure)
        models = make_models(
            plan, config, dataset.labels, families, given, trainer, folder, progress
        )
    trained, answers = models.trained, models.answers
    made = None
    if plan.made:
        spec = families[TARGET].spec
        questions = Questions(plan, config, dataset, spec, trainer, trained["target"])
        made = make_shadows(questions, folder, progress)
    means = Means(plan, trainer, folder, progress, families[TARGET], trained, models.families)
    references = (
        made.references
        if made
        else real_references(plan, dataset.labels, dataset.classes, answers, means)
    )
    in_groups = grouped_references(plan, dataset.labels, dataset.classes, answers, means)
    scored = score_versions(
        attacks,
        plan,
        references,
        in_groups,
        config.deletion.fitted_on == "both",
        answers,
        folder,
        progress,
    )
    scores = scored.scores
    shadow_data = None
    if made:
        beside = score_with_real(attacks, plan, dataset, answers, folder, progress)
        shadow_data = made.result(
            config, plan, Judge(plan, dataset.labels, answers, beside, drawn=True)
        )

    source = found_from(
        config,
        engine.record(),
        original.digest(),
        ledger,
        trained,
        (answers, models.said),
        [part for part in (scored.scores, scored.single) if part is not None],
        (not_run, scored.not_run),
    )
    # Made records are looked at beside real ones, which is not all in there.
    before = remembered(folder, source) if made is None else None
    if before is not None:
        say_done(folder, found_from=source, written=written(folder))
        return before
    drawn = config.target.weights is None
    judge = Judge(plan, dataset.labels, answers, scores, drawn, scored.single)
    steps = {name: own_steps(plan.models[name], model) for name, model in trained.items()}
    attacks_found, originals = judge.attacks("original"), judge.places("original")
    ranked = by_strength(attacks_found)
    inquiry = Inquiry(plan, dataset.labels, dataset.features, answers, scores, ranked)
    with progress.stage("deletions", len(plan.deletions)) as report:
        deletion = judge.deletions(EXACT, steps, inquiry, report)
        compared = judge.deletions(COMPARED, steps, inquiry, report)
    results = Results(
        backend=engine.name,
        seed=config.seed,
        network=config.target.network,
        data=DataResult(
            name=config.data.name,
            digest=dataset.digest(),
            records=len(dataset.labels),
            classes=dataset.classes,
            shape=shape,
        ),
        targets=config.targets,
        shadows=config.shadows.count,
        design=config.shadows.design,
        population=len(plan.split.population),
        shadow_data=shadow_data,
        target=judge.model("original"),
        curve=learning_curve(
            plan, dataset.labels, models.stages, models.said, answers, config.target.epochs
        )
        if has_curve(config, engine)
        else [],
        attacks=attacks_found,
        not_run=not_run,
        together=together(scores, originals),
        exposure=most_exposed(ranked[0], scores, originals, dataset.labels),
        grouped=judge.grouped(scored.not_run),
        deletion=deletion,
        compared=compared,
    )
    # A finished run stays as it was until what takes its place is whole.
    if plan is not begun:
        _write_plan(folder, plan)
    folder.write_arrays("scores.npz", scores.arrays(dataset.labels))
    if scored.single is not None:
        folder.write_arrays(SCORES_WITH_SINGLE, scored.single.arrays(dataset.labels))
    folder.write_arrays("roc.npz", roc_arrays(scores, originals))
    if inquiry.by_record:
        folder.write_arrays(FORGETTING, inquiry.by_record)
    folder.write_json("cost.json", costs(plan, trained, made))
    folder.write_json("results.json", results.model_dump(mode="json"))
    say_done(folder, found_from=source, written=written(folder))
    return results


def _write_plan(folder: RunFolder, plan: Plan) -> None:
    # What a deletion reads later, and plans by, is the config that this is the plan of.
    config = checksum_of(folder.path / "config.yaml")
    folder.write_json("plan.json", {**plan_document(plan), "config": config})
    folder.write_arrays("plan.npz", plan_arrays(plan))


def _offered(plan: Plan, capabilities: frozenset[Capability]) -> frozenset[Need]:
    """What attacks find in a run: real shadows that were asked about audited records, and so on."""
    there = {
        Need.SHADOWS: True,
        # What attacks ask and train with goes to those that have real shadows.
        Need.FEATURES: not plan.made,
        Need.SINGLE: True,
        Need.TRAINING: Capability.STEPS in capabilities and not plan.made,
        # Attack models are networks of ours.
        Need.ATTACK_MODELS: {Capability.STEPS, Capability.WEIGHTS} <= capabilities,
        Need.QUERIES: True,
        Need.GRADIENTS: Capability.GRADIENTS in capabilities,
    }
    found = frozenset(need for need, given in there.items() if given)
    # Made records are of no other model than the shadows that were trained on them.
    return found if plan.made else found | offered_by_references(plan)
