"""The whole walk: plan, train, ask, attack, find."""

from __future__ import annotations

from mia_dual.answers import Answers, ask
from mia_dual.attacks.choice import check_needs, choose_attacks, needs_met
from mia_dual.config import Config
from mia_dual.data.dataset import Dataset
from mia_dual.engine import Engine
from mia_dual.plan.document import plan_arrays, plan_document
from mia_dual.plan.draft import TARGET, plan_dataset
from mia_dual.progress import Progress
from mia_dual.report.results import DataResult, Results
from mia_dual.store.folder import RunFolder
from mia_dual.training.given import given_model
from mia_dual.training.planned import plan_families, plan_members
from mia_dual.training.trainer import Trained, Trainer
from mia_dual.walks.costs import costs
from mia_dual.walks.finish import finish
from mia_dual.walks.judge import Judge
from mia_dual.walks.scoring import score
from mia_dual.walks.shadow_records import Questions
from mia_dual.walks.shadows import make_shadows, real_references, score_with_real


def run_audit(
    config: Config, engine: Engine, dataset: Dataset, folder: RunFolder, progress: Progress
) -> Results:
    """Run the audit of ``config`` on ``dataset``, into ``folder``, or go on with it.

    What the store holds already is not made again. Raises DataError or ConfigError before
    anything is trained when the data set cannot give what is asked of it.
    """
    dataset, plan = plan_dataset(config, dataset)
    families = plan_families(plan, config, dataset)
    trainer = Trainer(engine, folder, progress)
    attacks = choose_attacks(config, trainer, folder)
    engine.recall(folder.read_json("environment.json"))
    check_needs(attacks, needs_met(engine.capabilities))
    folder.write_json("environment.json", engine.record())
    folder.write_json("plan.json", plan_document(plan))
    folder.write_arrays("plan.npz", plan_arrays(plan))

    trained: dict[str, Trained] = {}
    given = {}
    if config.target.weights is not None:
        given["target"] = given_model(config.target.weights, engine, folder, families[TARGET])
    answers = Answers({}, {}, {})
    for recipe, family in families.items():
        # All models of a recipe in one call, since they train faster together.
        found = trainer.train("models", family, plan_members(plan, recipe))
        if recipe == TARGET:
            found.update(given)
        for name, model in found.items():
            folder.link(model.entry, f"models/{name}.safetensors")
        asked = {name: plan.models[name].asked for name in found}
        answers |= ask(trainer, folder, family, found, asked, progress)
        trained.update(found)
    made = None
    if plan.made:
        spec = families[TARGET].spec
        questions = Questions(plan, config, dataset, spec, trainer, trained["target"])
        made = make_shadows(questions, folder, progress)
    references = (
        made.references if made else real_references(plan, dataset.labels, dataset.classes, answers)
    )
    versions = list(plan.versions.values())
    scores = score(attacks, references, versions, answers, plan.target_rows, folder, progress)
    folder.write_arrays("scores.npz", scores.arrays(dataset.labels))
    shadow_data = None
    if made:
        beside = score_with_real(attacks, plan, dataset, answers, folder, progress)
        shadow_data = made.result(config, plan, Judge(plan, dataset.labels, answers, beside))

    judge = Judge(plan, dataset.labels, answers, scores)
    results = Results(
        backend=engine.name,
        seed=config.seed,
        network=config.target.network,
        data=DataResult(
            name=config.data.name,
            digest=dataset.digest(),
            records=len(dataset.labels),
            classes=dataset.classes,
            shape=families[TARGET].spec.input_shape,
        ),
        shadows=config.shadows.count,
        shadow_data=shadow_data,
        target=judge.model("original"),
        attacks=judge.attacks("original"),
        grouped=judge.grouped(),
        deletion=[
            judge.deletion(
                deletion,
                sum(trained[name].steps for name in plan.versions[deletion.after].retrained),
            )
            for deletion in plan.deletions
        ],
    )
    folder.write_json("cost.json", costs(plan, trained, made))
    return finish(folder, results)
