"""Groups are attacked by what learnt from groups: a run by both kinds of shadows, and by each."""

import io
import json

import numpy as np
import pytest
from rich.console import Console

from mia_dual.attacks.base import Known
from mia_dual.attacks.catalogue import FAMILIES, FamilySettings
from mia_dual.attacks.cuts import fit_cuts
from mia_dual.attacks.evidence import balance
from mia_dual.attacks.panel import Panel
from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.engine import Engine
from mia_dual.errors import StoreError
from mia_dual.plan.splits import Membership
from mia_dual.progress import Silent
from mia_dual.report.html import as_html
from mia_dual.report.results import Results
from mia_dual.report.tables import print_results
from mia_dual.signals import SIGNALS, confidences
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.walks.compare import compare_runs
from mia_dual.walks.finished import FinishedRun
from mia_dual.walks.run import run_audit
from tests.numpy_backend import NumpyBackend, NumpyEngine

TARGETS, SHADOWS, GROUPS = 2, 6, 3
SETTINGS = {
    "backend": "torch",
    "split": {"target_members": 150, "target_non_members": 150, "shadow_members": 150},
    "target": {"network": "fcnet", "hidden": 48, "epochs": 40, "learning_rate": 0.1},
    "targets": TARGETS,
    "shadows": {"count": SHADOWS, "design": "in_and_out"},
    "attack": {
        "families": ["thresholds", "shadow", "lira", "trajectory", "cascade"],
        "models": ["logistic_regression"],
        "trajectory": {"epochs": 2},
        "cascade": {"rounds": 1, "count": 2},
    },
}
GROUPED = ["groups", "grouped-10pct", "target-01-groups", "target-01-grouped-10pct"]
SINGLE = ["original", "full-10pct", "target-01-original", "target-01-full-10pct"]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder of three runs over one store, by what attacks on groups were fitted on; their
    results; and what runs one.
    """
    folder = tmp_path_factory.mktemp("grouped")
    dataset = load_dataset("digits")

    def run(fitted_on):
        deletion = {"ratios": [0.1], "groups": GROUPS, "fitted_on": fitted_on}
        config = Config.model_validate({**SETTINGS, "deletion": deletion})
        with RunFolder(folder / fitted_on, config, Store(folder / "store")) as out:
            return run_audit(config, Engine("torch"), dataset, out, Silent())

    return folder, {name: run(name) for name in ("both", "grouped", "single")}, run


def trained(folder):
    lines = map(json.loads, (folder / "log.jsonl").read_text().splitlines())
    return [name for line in lines if line["event"] == "train" for name in line["models"]]


def said_by_groups(run, prefix, rows):
    """The mean of the confidences of a model's groups, as logits."""
    names = [f"{prefix}group-{number:02d}" for number in range(GROUPS)]
    answers = run.answers(names)
    return np.log(np.mean([confidences(answers.of(name, rows)) for name in names], axis=0))


def test_groups_are_held_against_groups(runs):
    run, labels = FinishedRun(runs[0] / "grouped"), load_dataset("digits").labels
    rows = run.scores.rows
    prefixes = {f"shadow-0{number}": f"shadow-0{number}-" for number in range(SHADOWS)}
    prefixes.update({"target": "", "target-01": "target-01-"})
    odds = {
        name: SIGNALS["log_odds"](said_by_groups(run, prefix, rows), labels[rows])
        for name, prefix in prefixes.items()
    }
    lira = next(attack for attack in FAMILIES["lira"](FamilySettings()))
    for target, version in (("target", "groups"), ("target-01", "target-01-groups")):
        others = [name for name in odds if name != target]
        panel = Panel(
            odds[target],
            np.stack([odds[name] for name in others]).astype(np.float32),
            np.stack([np.isin(rows, run.members(name)) for name in others]),
            labels[rows],
        )
        found = run.scores.table[lira.name][version]
        np.testing.assert_allclose(found, lira.score(panel, None), rtol=1e-3, atol=1e-3)
        assert not np.allclose(
            found, FinishedRun(runs[0] / "single").scores.table[lira.name][version]
        )


def test_thresholds_on_groups_are_those_of_shadows_in_groups(runs):
    run, labels = FinishedRun(runs[0] / "grouped"), load_dataset("digits").labels
    names = [f"shadow-0{number}" for number in range(SHADOWS)]
    memberships = [
        Membership(members, np.setdiff1d(run.scores.rows, members))
        for members in map(run.members, names)
    ]
    values, inside = [], []
    for name, chosen in zip(names, balance(memberships, labels, run.results.seed)):
        values.append(
            SIGNALS["log_odds"](said_by_groups(run, f"{name}-", chosen.rows), labels[chosen.rows])
        )
        inside.append(np.isin(chosen.rows, chosen.members))
    expected = fit_cuts(Known(np.concatenate(values), np.concatenate(inside)))
    for version in GROUPED:
        np.testing.assert_allclose(run.scores.cuts["loss"][version], expected, rtol=1e-3, atol=1e-3)
    for version in SINGLE:
        assert not np.allclose(run.scores.cuts["loss"][version][0], expected[0], atol=0.1)


def test_what_attacks_on_groups_learn_from_moves_no_other_score(runs):
    folder, results, _ = runs
    arrays = {name: np.load(folder / name / "scores.npz") for name in results}
    versions = arrays["both"]["versions"].tolist()
    assert sorted(versions) == sorted(GROUPED + SINGLE)
    places = [versions.index(name) for name in SINGLE]
    for name, found in arrays.items():
        for array in set(found.files) - {"rows", "labels", "versions"}:
            expected = arrays["single"][array][places]
            np.testing.assert_array_equal(found[array][places], expected, array)
        assert results[name].attacks == results["single"].attacks
    for array in arrays["both"].files:
        np.testing.assert_array_equal(arrays["both"][array], arrays["grouped"][array])
    beside = np.load(folder / "both" / "scores_with_single.npz")
    for array in beside.files:
        np.testing.assert_array_equal(beside[array], arrays["single"][array])


def test_both_kinds_of_shadows_stand_side_by_side(runs):
    _, results, _ = runs
    both, grouped, single = (results[name].grouped for name in ("both", "grouped", "single"))
    assert (both.fitted_on, grouped.fitted_on, single.fitted_on) == ("grouped", "grouped", "single")
    assert both.attacks == grouped.attacks
    assert both.attacks_with_single_shadows == single.attacks
    assert grouped.attacks_with_single_shadows is single.attacks_with_single_shadows is None
    for one, other, alone in zip(*(results[name].deletion for name in results)):
        assert (one.attacks, other.deleted_with_single_shadows) == (other.attacks, None)
        beside = one.deleted_with_single_shadows
        if one.method == "full":
            assert beside is None
        else:
            assert beside == {name: found.deleted for name, found in alone.attacks.items()}


def test_thresholds_of_single_shadows_accuse_too_few_of_groups(runs):
    _, results, _ = runs

    def missed(attacks, name):
        (decision,) = [one for one in attacks[name].decisions if one.aimed_fpr == 0.1]
        return abs(decision.fpr - 0.1)

    grouped = results["both"].grouped
    for name in ("loss", "entropy", "modified_entropy", "shadow_logistic_regression"):
        ours = missed(grouped.attacks, name)
        assert ours < missed(grouped.attacks_with_single_shadows, name)


def test_an_attack_that_trains_single_references_leaves_groups_out_and_says_so(runs):
    folder, results, _ = runs
    grouped = results["both"].grouped
    assert results["both"].attacks.keys() - grouped.attacks.keys() == {"cascade"}
    assert list(grouped.not_run) == ["cascade"]
    assert "deletion.fitted_on: single" in grouped.not_run["cascade"]
    assert "cascade" in grouped.attacks_with_single_shadows
    assert results["single"].grouped.not_run == {}
    scores = np.load(folder / "both" / "scores.npz")
    lacking = np.isnan(scores["cascade"]).all(axis=1)
    assert sorted(scores["versions"][lacking]) == sorted(GROUPED)
    for name, row in zip(scores["versions"], scores["cascade"]):
        assert np.isnan(row).any() == (name in GROUPED)
    (pair,) = compare_runs(
        [FinishedRun(folder / name) for name in ("both", "single")], Silent()
    ).pairs
    (cascade,) = [found for found in pair.attacks if found.attack == "cascade"]
    assert cascade.verdict.found == "same"
    assert {place.place for place in cascade.places} == {
        "original", "10% full: retained, before", "10% full: retained, after",
        "10% full: deleted, before", "10% full: deleted, after",
    }  # fmt: skip
    assert [line for line in pair.left_out if line.startswith("cascade on only in")]


def test_scores_that_are_missing_where_an_attack_ran_are_refused(runs, tmp_path):
    folder = runs[0] / "both"
    for file in folder.iterdir():
        if file.is_file():
            (tmp_path / file.name).write_bytes(file.read_bytes())
    arrays = dict(np.load(folder / "scores.npz"))
    arrays["loss"][arrays["versions"] == "groups"] = np.nan
    np.savez(tmp_path / "scores.npz", **arrays)
    with pytest.raises(StoreError, match="'loss' holds NaN"):
        FinishedRun(tmp_path)


def test_what_is_told_tells_of_both(runs):
    _, results, _ = runs
    shown = io.StringIO()
    print_results(results["both"], Console(file=shown, width=80), full=True)
    lines = shown.getvalue().splitlines()
    assert "Attacks on groups, by shadows in groups and by single ones" in shown.getvalue()
    assert any(line.startswith("did not run on groups: cascade: needs") for line in lines)
    assert "cascade did not run on groups" in as_html(results["both"])
    shown = io.StringIO()
    print_results(results["single"], Console(file=shown, width=80), full=True)
    assert "fitted on references of one model each" in " ".join(shown.getvalue().split())
    assert results["both"].figure().axes


def test_nothing_is_trained_twice(runs):
    folder, results, run = runs
    first = trained(folder / "both")
    in_groups = [name for name in first if name.startswith("shadow-") and "-group-" in name]
    assert len(in_groups) == len(set(in_groups)) == SHADOWS * GROUPS
    # The other runs find all models in the store.
    assert trained(folder / "grouped") == trained(folder / "single") == []
    before = (folder / "both" / "results.json").read_bytes()
    # As if it had been interrupted before it was told.
    (folder / "both" / "results.json").unlink()
    assert run("both") == results["both"] == Results.model_validate_json(before)
    assert (folder / "both" / "results.json").read_bytes() == before
    assert trained(folder / "both") == first


def test_made_shadows_are_single_and_that_is_told(tmp_path):
    settings = {
        "data": {"name": "purchases", "classes": 4, "records": 1200},
        "split": {"target_members": 100, "target_non_members": 100, "shadow_members": 100},
        "target": {"network": "fcnet", "hidden": 32, "epochs": 5, "learning_rate": 0.05},
        "shadows": {"count": 2, "data": {"source": "noisy"}},
        "attack": {"families": ["shadow"], "models": ["logistic_regression"]},
        "deletion": {"ratios": [0.1], "groups": 2, "fitted_on": "both"},
    }
    config, backend = Config.model_validate(settings), NumpyBackend()
    dataset = load_dataset("purchases", classes=4, records=1200)
    with RunFolder(tmp_path / "run", config, Store(tmp_path / "store")) as folder:
        results = run_audit(config, NumpyEngine(backend), dataset, folder, Silent())
    assert not [name for name in backend.trained if name.startswith("shadow-") and "group" in name]
    assert results.grouped.fitted_on == "single"
    assert results.grouped.attacks_with_single_shadows is None
    shown = io.StringIO()
    print_results(results, Console(file=shown, width=80), full=True)
    assert "fitted on references of one model each" in " ".join(shown.getvalue().split())
    assert FinishedRun(tmp_path / "run").results == results


def test_a_run_of_attacks_that_groups_have_none_of_is_told_all_the_same(runs, tmp_path):
    folder, _, _ = runs
    settings = {**SETTINGS, "attack": {**SETTINGS["attack"], "families": ["cascade"]}}
    deletion = {"ratios": [0.1], "groups": GROUPS}
    config = Config.model_validate({**settings, "deletion": deletion})
    with RunFolder(tmp_path / "run", config, Store(folder / "store")) as out:
        results = run_audit(config, Engine("torch"), load_dataset("digits"), out, Silent())
    full, grouped = results.deletion
    assert list(full.attacks) == ["cascade"]
    assert grouped.attacks == grouped.forgetting.traces == {}
    assert full.forgetting.neighbours.attack == "cascade"
    assert grouped.forgetting.neighbours is None
    assert (
        grouped.forgetting.per_record
        == FinishedRun(tmp_path / "run").results.deletion[1].forgetting.per_record
    )
    for whole in (False, True):
        print_results(results, Console(file=io.StringIO()), full=whole)
