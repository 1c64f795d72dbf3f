"""Models that go on from targets: trained in one call, kept, and never called a deletion."""

import io
import json

import numpy as np
import pytest
import safetensors.numpy
from rich.console import Console

from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.engine import Engine
from mia_dual.errors import BackendError
from mia_dual.plan.draft import TARGET, plan_dataset
from mia_dual.progress import Silent
from mia_dual.report.methods import method_rows
from mia_dual.report.rows import tidy_rows
from mia_dual.report.tables import print_results
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.training.planned import plan_families
from mia_dual.walks.approximations import outlined_members
from mia_dual.walks.finished import FinishedRun
from mia_dual.walks.run import run_audit

METHODS = ["nothing", "fine_tune", "warm_start", "neg_grad_plus", "scrub", "salun"]
SETTINGS = {
    "backend": "torch",
    "split": {"target_members": 120, "target_non_members": 120, "shadow_members": 120},
    "target": {"network": "fcnet", "hidden": 32, "epochs": 20, "learning_rate": 0.05},
    "targets": 2,
    "shadows": {"count": 2},
    "attack": {"families": ["thresholds"]},
    "deletion": {
        "ratios": [0.1],
        "methods": ["full"],
        "shared": True,
        "approximate": METHODS,
    },
}


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


def audit(folder, digits, backend="torch", settings=SETTINGS):
    config = Config.model_validate({**settings, "backend": backend})
    engine = Engine(config.backend, "cpu")
    with RunFolder(folder, config, Store(folder.parent / "store")) as opened:
        return run_audit(config, engine, digits, opened, Silent()), engine


@pytest.fixture(scope="module")
def run(tmp_path_factory, digits):
    folder = tmp_path_factory.mktemp("approximations") / "run"
    results, _ = audit(folder, digits)
    return folder, results


def stages(folder):
    lines = [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]
    return [(line["stage"], line["models"]) for line in lines if line["event"] == "train"]


def weights(folder, name):
    return safetensors.numpy.load_file(folder / "models" / f"{name}.safetensors")


def test_all_models_are_looked_at_in_one_call_and_trained_in_one(run):
    folder, _ = run
    assert [stage for stage, _ in stages(folder)] == ["models", "saliency", "approximations"]
    assert len(stages(folder)[1][1]) == 2
    assert len(stages(folder)[2][1]) == 2 * (len(METHODS) - 1)


def test_a_repeated_run_trains_nothing_and_says_the_same(run, digits, tmp_path):
    folder, results = run
    config = Config.model_validate(SETTINGS)
    engine = Engine("torch", "cpu")
    with RunFolder(tmp_path / "again", config, Store(folder.parent / "store")) as opened:
        assert run_audit(config, engine, digits, opened, Silent()) == results
    assert engine.train_calls == 0


def test_results_tell_of_every_method_and_call_only_full_retraining_a_deletion(run):
    folder, results = run
    assert [entry.method for entry in results.deletion] == ["full"]
    assert [entry.method for entry in results.compared] == ["reference", *METHODS]
    by_method = {entry.method: entry for entry in results.compared}
    nothing = by_method["nothing"]
    assert nothing.steps == 0
    assert nothing.test_accuracy == nothing.test_accuracy_before
    for name, attack in nothing.attacks.items():
        assert attack.deleted.before == attack.deleted.after, name
    # As many steps as full retraining; a tenth of its epochs; and SalUn's look counts.
    full = results.deletion[0].steps
    assert by_method["warm_start"].steps == full
    assert by_method["fine_tune"].steps == full / 10
    plan = np.load(folder / "plan.npz")
    sizes = [len(plan[name]) for name in plan.files if name.startswith("members/salun")]
    assert by_method["salun"].steps > sum(-(-size // 16) for size in sizes)
    assert FinishedRun(folder).deletions()
    costs = json.loads((folder / "cost.json").read_text())["deletion"]
    salun = [cost["steps"] for cost in costs if cost["method"] == "salun"]
    assert sum(salun) == by_method["salun"].steps


def test_what_they_took_was_known_before_anything_was_trained(run, digits):
    folder, _ = run
    config = Config.model_validate(SETTINGS)
    dataset, plan = plan_dataset(config, digits)
    family = plan_families(plan, config, dataset)[TARGET]
    members = outlined_members(plan, config, dataset.labels, family)
    costs = json.loads((folder / "cost.json").read_text())["deletion"]
    for method in METHODS[1:]:
        told = [cost["steps"] for cost in costs if cost["method"] == method]
        known = [family.steps(one) for name, one in members.items() if f"{method}-" in name]
        assert told == known, method


def test_methods_keep_the_retain_set_and_train_what_they_say(run):
    folder, results = run
    for entry in results.compared:
        assert entry.train_accuracy > 0.9, entry.method
    target = weights(folder, "target")
    for method in METHODS[1:]:
        changed = weights(folder, f"{method}-10pct")
        moved = np.concatenate([(changed[name] != target[name]).ravel() for name in target])
        assert moved.any(), method
        if method == "salun":
            assert moved.mean() <= 0.5


def test_one_table_shows_deletions_beside_what_they_are_compared_with(run):
    _, results = run
    rows = method_rows(results, "loss")
    kinds = ["as it was", "deletion", "never saw it", *["approximate"] * len(METHODS)]
    assert [row.kind for row in rows] == kinds
    assert rows[0].forgotten == results.deletion[0].attacks["loss"].deleted.before
    assert rows[-1].forgotten == results.compared[-1].attacks["loss"].deleted.after
    printed = io.StringIO()
    print_results(results, Console(file=printed, width=80), full=True)
    text = printed.getvalue()
    assert max(map(len, text.splitlines())) <= 80
    beside, _, left = text.partition("deleted records against never-seen ones")
    for method in METHODS:
        assert f" {method} " in left
        shown = [line for line in beside.splitlines() if f" {method} " in line]
        assert shown, method
        assert all(line.split()[0] == "approximate" for line in shown)
    html = results._repr_html_()
    assert all(f"<td>approximate</td><td>{method}</td>" in html for method in METHODS)
    frame_methods = {row["method"] for row in tidy_rows(results)}
    assert frame_methods >= {"reference", *METHODS}


def test_a_backend_that_fits_at_once_is_refused_before_it_fits_anything(digits, tmp_path):
    settings = {**SETTINGS, "target": {"network": "random_forest"}}
    with pytest.raises(BackendError, match="fine_tune trains a model on, and backend 'sklearn'"):
        audit(tmp_path / "run", digits, "sklearn", settings)
    assert not (tmp_path / "run" / "log.jsonl").exists()


@pytest.mark.parametrize("method", ["scrub", "neg_grad_plus", "salun"])
def test_a_forget_set_of_one_record_and_one_of_most_are_learnt_from(digits, tmp_path, method):
    deletion = {"ratios": [0.01, 0.7], "methods": ["full"], "approximate": [method]}
    settings = {
        **SETTINGS,
        "targets": 1,
        "target": {**SETTINGS["target"], "epochs": 2},
        "deletion": deletion,
    }
    results, _ = audit(tmp_path / "run", digits, settings=settings)
    few, many = [entry for entry in results.compared if entry.method == method]
    assert (few.deleted, many.deleted) == (1, 84)
    assert few.steps > 0
    assert many.steps > 0


def test_a_target_with_weights_of_its_own_is_gone_on_from(run, digits, tmp_path):
    folder, _ = run
    member = np.isin(np.arange(len(digits.labels)), np.load(folder / "plan.npz")["target_members"])
    np.savez(tmp_path / "mine.npz", x=digits.features, y=digits.labels, member=member)
    settings = {
        **SETTINGS,
        "targets": 1,
        "data": {"name": "npz", "file": str(tmp_path / "mine.npz")},
        "split": {**SETTINGS["split"], "target_members": 100},
        "target": {**SETTINGS["target"], "weights": str(folder / "models" / "target.safetensors")},
        "deletion": {**SETTINGS["deletion"], "shared": False, "approximate": ["scrub", "salun"]},
    }
    mine = load_dataset("npz", file=tmp_path / "mine.npz", members=True)
    results, _ = audit(tmp_path / "run", mine, settings=settings)
    assert [entry.method for entry in results.compared] == ["reference", "scrub", "salun"]
    given = weights(folder, "target")
    for method in ("scrub", "salun"):
        changed = weights(tmp_path / "run", f"{method}-10pct")
        gaps = [np.abs(changed[name] - given[name]).max() for name in given]
        assert 0 < max(gaps) < 0.5, "it is near the weights that it goes on from"
