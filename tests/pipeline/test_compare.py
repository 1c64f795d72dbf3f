"""Finished runs side by side: known differences are found, and what is no run is refused.

The models are FCNets that NumPy trains; one backend rounds what they say, so that what parts two
runs is known.
"""

import json
import os
import shutil

import numpy as np
import pytest
import safetensors.numpy

from mia_dual import metrics
from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.errors import StoreError
from mia_dual.progress import Silent
from mia_dual.report.comparison import Comparison
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.walks.compare import compare_runs
from mia_dual.walks.finished import FinishedRun
from mia_dual.walks.run import run_audit
from tests.numpy_backend import NumpyBackend, NumpyEngine

SETTINGS = {
    "backend": "torch",
    "split": {"target_members": 120, "target_non_members": 120, "shadow_members": 120},
    "target": {"network": "fcnet", "hidden": 16, "epochs": 20, "learning_rate": 0.1},
    "shadows": {"count": 3},
    "attack": {"families": ["shadow"], "models": ["logistic_regression", "random_forest"]},
    "deletion": {"ratios": [0.1], "groups": 3},
}
VERSIONS = ["original", "full-10pct", "groups", "grouped-10pct"]


class Rounding(NumpyBackend):
    """Says logits as multiples of four."""

    def logits(self, *arguments):
        return np.round(super().logits(*arguments) / 4) * 4


class Guessing(NumpyBackend):
    """Says anything."""

    def logits(self, *arguments):
        said = super().logits(*arguments)
        return np.random.default_rng(0).normal(size=said.shape).astype(np.float32)


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A folder of runs: ``one``, its ``twin``, one ``rounded``, and others by what they change."""
    folder = tmp_path_factory.mktemp("runs")
    dataset = load_dataset("digits")

    def run(name, backend, **changes):
        config = Config.model_validate({**SETTINGS, **changes})
        with RunFolder(folder / name, config, Store(folder / "store")) as out:
            run_audit(config, NumpyEngine(backend), dataset, out, Silent())

    run("one", NumpyBackend())
    run("twin", NumpyBackend())
    run("rounded", Rounding(version="rounding"))
    one_attack = {"families": ["shadow"], "models": ["logistic_regression"]}
    run("guessing", Guessing(version="guessing"), attack=one_attack)
    run("seed", NumpyBackend(), seed=1, attack=one_attack)
    wide = {**SETTINGS["target"], "hidden": 24}
    run("wide", NumpyBackend(), target=wide, attack=one_attack)
    more = {"ratios": [0.1, 0.2], "groups": 3}
    run("more", NumpyBackend(), deletion=more, attack=one_attack)
    smaller = {**SETTINGS["split"], "target_members": 100}
    run("split", NumpyBackend(), split=smaller, attack=one_attack)
    return folder


def compared(*folders):
    return compare_runs([FinishedRun(folder) for folder in folders], Silent()).pairs


def test_a_run_is_the_same_as_its_twin(runs):
    (pair,) = compared(runs / "one", runs / "twin")
    assert (pair.config, pair.environment, pair.left_out) == ([], [], [])
    assert pair.same_split
    assert pair.equal_start
    assert {attack.verdict.found for attack in pair.attacks} == {"same"}
    for attack in pair.attacks:
        assert [found.version for found in attack.agreement] == VERSIONS
        for found in attack.agreement:
            assert (found.records, found.largest, found.changed_sides) == (240, 0, 0)
            assert found.spearman == pytest.approx(1)
        for place in attack.places:
            assert place.paired
            assert all(figure.difference in (0, None) for figure in place.figures.values())
            assert all(figure.holds_zero is not False for figure in place.figures.values())
    assert {found.role: found.models for found in pair.weights} == {
        "target": 1, "shadow": 3, "shadow_group": 9, "full": 1, "group": 6,
    }  # fmt: skip
    assert all(found.largest == found.median == 0 < found.size for found in pair.weights)
    assert sum(found.decided_otherwise for found in pair.logits) == 0


def test_what_parts_two_runs_is_found_where_it_is(runs):
    """Training is the same and answers are rounded: weights stay equal, and logits part by 2."""
    (pair,) = compared(runs / "one", runs / "rounded")
    assert [(found.key, found.first, found.second) for found in pair.environment] == [
        ("version", "1", "rounding")
    ]
    assert all(found.largest == 0 for found in pair.weights)
    answers = [np.load(runs / name / "answers" / "target.npy") for name in ("one", "rounded")]
    (target,) = (found for found in pair.logits if found.role == "target")
    gaps = np.abs(answers[0].astype(float) - answers[1])
    assert target.largest == gaps.max()
    assert 1 < target.largest <= 2
    assert target.median == np.median(gaps)
    assert target.answers == 240
    assert target.decided_otherwise == (answers[0].argmax(1) != answers[1].argmax(1)).sum() > 0
    row, column = np.unravel_index(gaps.argmax(), gaps.shape)
    asked = np.load(runs / "one" / "plan.npz")["asked/target"]
    assert target.where == f"target logits[{asked[row]}, {column}]"

    scores = [np.load(runs / name / "scores.npz") for name in ("one", "rounded")]
    results = [
        json.loads((runs / name / "results.json").read_text()) for name in ("one", "rounded")
    ]
    for attack in pair.attacks:
        first, second = (found[attack.attack][0] for found in scores)
        found = attack.agreement[0]
        assert found.largest == np.abs(first - second).max() > 0
        assert found.largest_record == scores[0]["rows"][np.abs(first - second).argmax()]
        cuts = [one[f"cuts/{attack.attack}"][0, 0] for one in scores]
        assert found.changed_sides == ((first > cuts[0]) != (second > cuts[1])).sum()
        auc = attack.places[0].figures["auc"]
        one, other = (result["attacks"][attack.attack]["auc"] for result in results)
        assert (auc.first, auc.second, auc.difference) == (one, other, other - one)
        assert auc.interval[0] < auc.difference < auc.interval[1]
        assert max(abs(row.auc.difference) for row in attack.per_class) > 0
        assert attack.verdict.found in ("agree", "differ")
        assert f"{one:.3f} and {other:.3f}" in attack.verdict.sentence


def test_a_real_difference_is_told_from_chance(runs):
    """Answers that know nothing of the records give an AUC of .5, and the sentence says so."""
    (pair,) = compared(runs / "one", runs / "guessing")
    for attack in pair.attacks:
        assert attack.verdict.found == "differ"
        assert attack.verdict.sentence.startswith("differ, at ")
        original = attack.places[0]
        auc = original.figures["auc"]
        assert auc.first > 0.62 > 0.58 > auc.second
        assert auc.holds_zero is False
        assert abs(attack.agreement[0].spearman) < 0.3
    by_place = {found.place: found.accuracy for found in pair.accuracies}
    members = by_place["original: members"]
    assert members.first == 1 > 0.3 > members.second
    assert members.interval[1] < -0.7


def test_runs_of_other_seeds_are_compared_in_what_they_share(runs):
    (pair,) = compared(runs / "one", runs / "seed")
    assert [setting.key for setting in pair.config] == ["seed", "attack.models"]
    assert not pair.same_split
    assert not pair.equal_start
    assert (pair.weights, pair.logits) == ([], [])
    assert any(line.startswith("weights and logits") for line in pair.left_out)
    plans = [np.load(runs / name / "plan.npz") for name in ("one", "seed")]
    both = sum(
        len(np.intersect1d(plans[0][side], plans[1][side]))
        for side in ("target_members", "target_non_members")
    )
    for attack in pair.attacks:
        assert attack.agreement[0].records == both
        assert not any(place.paired for place in attack.places)
        assert attack.places[0].figures["auc"].interval is not None
    assert any(f"{both} are audited in both" in line for line in pair.left_out)


def test_runs_of_other_networks_part_in_weights_that_are_left_out(runs):
    (pair,) = compared(runs / "one", runs / "wide")
    assert [setting.key for setting in pair.config] == [
        "target.hidden", "attack.models",
    ]  # fmt: skip
    assert pair.same_split
    assert not pair.equal_start
    assert any("the hidden is 16 and 24" in line for line in pair.left_out)
    assert all(place.paired for attack in pair.attacks for place in attack.places)


def test_every_run_is_compared_with_the_first_and_what_one_lacks_is_named(runs):
    twin, more = compared(runs / "one", runs / "twin", runs / "more")
    assert (twin.second.path, more.second.path) == (str(runs / "twin"), str(runs / "more"))
    assert more.first == twin.first
    assert [found.attack for found in more.attacks] == ["shadow_logistic_regression"]
    assert f"attacks only in '{runs / 'one'}': shadow_random_forest" in more.left_out
    assert any("20% full: deleted, after" in line for line in more.left_out)
    # What both have is the same, the weights of the models that were not asked for twice too.
    assert more.attacks[0].verdict.found == "same"
    assert all(found.largest == 0 for found in more.weights)


def test_a_comparison_repeats_and_survives_json(runs):
    first, second = (
        compare_runs([FinishedRun(runs / name) for name in ("one", "rounded")], Silent())
        for _ in range(2)
    )
    text = first.model_dump_json()
    assert text == second.model_dump_json()
    assert Comparison.model_validate_json(text) == first
    assert "NaN" not in text


def changed_json(file, **values):
    content = json.loads(file.read_text())
    for path, value in values.items():
        *parts, last = path.split("__")
        place = content
        for part in parts:
            place = place[part]
        place[last] = value
    file.write_text(json.dumps(content))


def without(file, name):
    arrays = {key: array for key, array in np.load(file).items() if key != name}
    np.savez(file, **arrays)


def with_array(file, name, change):
    arrays = dict(np.load(file))
    arrays[name] = change(arrays[name])
    np.savez(file, **arrays)


def flip(file):
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.unlink()
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda run: shutil.rmtree(run), "is no run folder: it is no folder"),
        (lambda run: (run / "config.yaml").unlink(), "is no run folder (it has no config.yaml)"),
        (lambda run: (run / "results.json").unlink(), "is not finished"),
        (lambda run: (run / "results.json").write_text("{"), "results.json is damaged"),
        (lambda run: (run / "results.json").write_text("[" * 99_999), "results.json is damaged"),
        (lambda run: (run / "results.json").write_text("7"), "results.json is damaged"),
        (lambda run: changed_json(run / "results.json", schema_version=99), "schema version 99"),
        (lambda run: changed_json(run / "results.json", target=None), "target"),
        (lambda run: changed_json(run / "results.json", data__digest="0" * 64), "other records"),
        (
            lambda run: changed_json(
                run / "results.json", attacks__shadow_random_forest__auc=0.123
            ),
            "results.json and scores.npz do not belong together",
        ),
        (
            lambda run: changed_json(run / "results.json", target__test_accuracy=0.123),
            "results.json and answers/ do not belong together",
        ),
        (lambda run: (run / "config.yaml").write_text("target: !!python/x"), "config.yaml is"),
        (lambda run: (run / "config.yaml").write_text("colour: blue"), "unknown key 'colour'"),
        (lambda run: (run / "environment.json").unlink(), "environment.json is damaged"),
        (lambda run: (run / "environment.json").write_text("[]"), "environment.json is damaged"),
        (lambda run: (run / "plan.json").write_text("{}"), "plan.json is damaged"),
        (lambda run: changed_json(run / "plan.json", deletions=[]), "not those of results.json"),
        (
            lambda run: changed_json(
                run / "plan.json",
                models={"../x": {"role": "target", "recipe": "target"}},
                versions={},
                deletions=[],
            ),
            "plan.json is damaged",
        ),
        (lambda run: (run / "plan.npz").write_bytes(b"PK"), "plan.npz is damaged"),
        (lambda run: without(run / "plan.npz", "members/group-01"), "'members/group-01'"),
        (
            lambda run: with_array(run / "plan.npz", "target_members", lambda rows: rows[::-1]),
            "'target_members' holds no sorted record indices",
        ),
        (lambda run: without(run / "scores.npz", "labels"), "it has no array 'labels'"),
        (
            lambda run: with_array(run / "scores.npz", "rows", lambda rows: rows + 1),
            "its records are not the target's",
        ),
        (
            lambda run: with_array(
                run / "scores.npz", "shadow_random_forest", lambda scores: scores * np.nan
            ),
            "holds NaN",
        ),
        (
            lambda run: with_array(run / "scores.npz", "rows", lambda rows: rows * 1.0),
            "its records are not the target's",
        ),
        (
            lambda run: with_array(run / "scores.npz", "versions", lambda names: names[None]),
            "its versions are not those in plan.json",
        ),
        (
            lambda run: with_array(run / "scores.npz", "labels", lambda labels: labels - 1),
            "'labels' are not classes of results.json",
        ),
        (lambda run: flip(run / "answers" / "target.npy"), "answers/target.npy is damaged"),
        (lambda run: (run / "answers" / "shadow-01.npy").unlink(), "answers/shadow-01.npy is"),
        (
            lambda run: flip(run / "models" / "target.safetensors"),
            "models/target.safetensors is damaged",
        ),
    ],
)
def test_what_is_no_finished_run_is_refused_by_name(runs, tmp_path, damage, says):
    shutil.copytree(runs / "one", tmp_path / "run")
    damage(tmp_path / "run")
    with pytest.raises(StoreError) as raised:
        compared(runs / "one", tmp_path / "run")
    message = str(raised.value)
    assert says in message
    assert str(tmp_path / "run") in message
    assert len(message) < 1000


def test_other_splits_are_refused(runs, tmp_path):
    with pytest.raises(StoreError, match="120 members and 120 non-members, and 100 and 120"):
        compared(runs / "one", runs / "split")
    # One seed gives one split: here it is said to, and does not.
    shutil.copytree(runs / "seed", tmp_path / "run")
    changed_json(tmp_path / "run" / "results.json", seed=0)
    with pytest.raises(StoreError, match="their splits differ though their seeds do not"):
        compared(runs / "one", tmp_path / "run")


def test_weights_that_are_not_there_are_left_out_and_pickles_never_opened(runs, tmp_path):
    shutil.copytree(runs / "one", tmp_path / "run")
    shutil.rmtree(tmp_path / "run" / "models")
    (pair,) = compared(runs / "one", tmp_path / "run")
    assert pair.weights == []
    assert len(pair.logits) == 5
    # A user's network may name its parameters otherwise on the other framework.
    shutil.copytree(runs / "one", tmp_path / "named")
    (tmp_path / "named" / "index.jsonl").unlink()
    file = tmp_path / "named" / "models" / "target.safetensors"
    weights = safetensors.numpy.load_file(file)
    file.unlink()
    safetensors.numpy.save_file({f"net.{key}": array for key, array in weights.items()}, file)
    (pair,) = compared(runs / "one", tmp_path / "named")
    assert pair.left_out == ["weights whose arrays have other names or shapes: target"]
    assert "target" not in {found.role for found in pair.weights}
    with_array(tmp_path / "run" / "scores.npz", "labels", lambda labels: labels.astype(object))
    with pytest.raises(StoreError, match="pickled objects"):
        FinishedRun(tmp_path / "run")


def test_figures_can_be_made_again_from_what_is_read(runs):
    from mia_dual.walks.places import attack_places

    run = FinishedRun(runs / "one")
    for place in attack_places(run).values():
        for attack, told in place.success.items():
            trials = place.trials(run, attack)
            assert metrics.accuracy(trials.membership, trials.accused()) == told.accuracy
            assert (told.members, told.non_members) == (place.members, place.non_members)


def test_the_command_prints_tables_or_json_and_imports_no_framework(runs, cli, tmp_path):
    traps = tmp_path / "traps"
    traps.mkdir()
    for module in ("torch", "mindspore", "sklearn", "scipy"):
        (traps / f"{module}.py").write_text(f"raise SystemExit('{module} was imported')\n")
    path = os.pathsep.join([str(traps), os.environ.get("PYTHONPATH", "")])
    told = cli("compare", runs / "one", runs / "rounded", env={"PYTHONPATH": path})
    assert told.returncode == 0, told.stderr
    tables = [line for line in told.stdout.splitlines() if not line.startswith(("shadow_", "*"))]
    assert max(map(len, tables[2:])) <= 80
    assert "shadow_random_forest: " in told.stdout
    assert "weights: equal, number for number, in all 20 models." in told.stdout
    found = cli("compare", runs / "one", runs / "rounded", "--json", env={"PYTHONPATH": path})
    assert len(Comparison.model_validate_json(found.stdout).pairs) == 1

    for wrong in ([runs / "one"], [runs / "one", runs / "split"], [runs / "one", tmp_path]):
        refused = cli("compare", *wrong)
        assert refused.returncode == 2
        assert len(refused.stderr.splitlines()) == 1
        assert refused.stdout == ""
