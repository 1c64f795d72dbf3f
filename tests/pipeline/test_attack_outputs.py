"""Saved outputs enter the line at answers, and come out as a run's own would."""

import json

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier

from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.data.outputs import load_outputs
from mia_dual.errors import ConfigError, DataError
from mia_dual.progress import Silent
from mia_dual.report.page.phrases import read_words
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.walks.attack import attack_outputs, outputs_config
from mia_dual.walks.run import run_audit
from tests.numpy_backend import NumpyBackend, NumpyEngine
from tests.pipeline.test_bad_input import assert_refused

RECORDS, SHADOW_POOL = 240, 1797 - 240


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


def attack(folder, file, settings, engine=None):
    given = load_outputs(file, Silent())
    backend = engine and engine.name
    config = outputs_config(Config.model_validate(settings), given, backend)
    with RunFolder(folder, config, Store(folder.parent / "store")) as opened:
        return attack_outputs(config, given, engine, opened, Silent())


@pytest.fixture(scope="module")
def forests(tmp_path_factory, digits):
    """Outputs of scikit-learn's forests, each grown on half of 600 digits; no network anywhere."""
    x, y = digits.features[:600].reshape(600, -1), digits.labels[:600]
    rng = np.random.default_rng(0)
    said, inside = [], []
    for number in range(6):
        inside.append(rng.random(600) < 0.5)
        forest = RandomForestClassifier(20, random_state=number).fit(x[inside[-1]], y[inside[-1]])
        said.append(forest.predict_proba(x).astype(np.float32))
    arrays = {
        "target_confidences": said[0], "labels": y, "membership": inside[0],
        "reference_confidences": np.stack(said[1:]), "reference_membership": np.stack(inside[1:]),
    }  # fmt: skip
    file = tmp_path_factory.mktemp("outputs") / "forests.npz"
    np.savez(file, **arrays)
    return file, arrays


def test_outputs_of_a_run_give_the_runs_own_results(tmp_path, digits):
    settings = {
        "split": {"target_members": 120, "target_non_members": 120, "shadow_members": 120,
                  "shadow_non_members": SHADOW_POOL - 120},
        "target": {"network": "fcnet", "hidden": 16, "epochs": 6, "learning_rate": 0.05},
        "shadows": {"count": 3},
        "attack": {"families": ["shadow"], "models": ["fcnet", "logistic_regression"],
                   "fcnet": {"network": "fcnet", "epochs": 2}},
        "deletion": {"ratios": []},
    }  # fmt: skip
    config = Config.model_validate(settings)
    with RunFolder(tmp_path / "run", config, Store(tmp_path / "store")) as folder:
        expected = run_audit(config, NumpyEngine(), digits, folder, Silent())
    plan = np.load(tmp_path / "run" / "plan.npz")
    said = {
        name: np.load(tmp_path / "run" / "answers" / f"{name}.npy")
        for name in ("target", "shadow-00", "shadow-01", "shadow-02")
    }
    rows, pool = np.load(tmp_path / "run" / "scores.npz")["rows"], plan["shadow_pool"]
    np.savez(
        tmp_path / "said.npz",
        target_logits=said["target"],
        labels=digits.labels[rows],
        membership=np.isin(rows, plan["target_members"]),
        reference_logits=np.stack([said[f"shadow-0{number}"] for number in range(3)]),
        reference_membership=[np.isin(pool, plan[f"members/shadow-0{n}"]) for n in range(3)],
        reference_labels=digits.labels[pool],
    )
    backend = NumpyBackend()
    found = attack(tmp_path / "attack", tmp_path / "said.npz", settings, NumpyEngine(backend))
    # The evidence is the same to the bit, so the run's attack models are found in the store.
    assert backend.trained == []
    # Whether a user's members were drawn at random nobody knows, and so no bound rests on that.
    assert all(attack.epsilon_one_run is None for attack in found.attacks.values())
    assert found.attacks == {
        name: attack.model_copy(update={"epsilon_one_run": None})
        for name, attack in expected.attacks.items()
    }
    assert found.target == expected.target
    for name in ("shadow_fcnet", "shadow_logistic_regression"):
        ours, theirs = (np.load(tmp_path / out / "scores.npz") for out in ("attack", "run"))
        assert np.array_equal(ours[name], theirs[name])


def test_the_command_needs_no_framework_and_says_what_did_not_run(cli, forests, tmp_path):
    file, arrays = forests
    profiled = {"PYTHONPROFILEIMPORTTIME": "1"}
    done = cli("attack", "--outputs", file, "--out", "found", "--full", "--page",
               env=profiled)  # fmt: skip
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "found" / "report.html").read_text(encoding="utf-8")
    assert read_words("en")["records.withheld"] in page
    assert " torch" not in done.stderr
    assert " mindspore" not in done.stderr
    told = " ".join(done.stdout.split())
    assert "did not run: shadow_fcnet: needs a backend that trains attack models" in told
    assert "given on forests.npz (none): accuracy 1.000 on members" in told
    found = json.loads((tmp_path / "found" / "results.json").read_text())
    shadow = [name for name in found["attacks"] if name.startswith("shadow")]
    assert shadow == ["shadow_logistic_regression", "shadow_random_forest"]
    # References were trained on some of the records, and not on others.
    assert {"loss", "lira_online", "lira_offline", "rmia_online", "base"} <= set(found["attacks"])
    assert list(found["not_run"]) == ["shadow_fcnet", "attack_p"]
    # Forests know their own records well.
    assert found["attacks"]["shadow_random_forest"]["auc"] > 0.8
    scores = np.load(tmp_path / "found" / "scores.npz")
    assert scores["shadow_random_forest"].shape == (1, 600)
    members = np.load(tmp_path / "found" / "plan.npz")["target_members"]
    assert np.array_equal(members, np.flatnonzero(arrays["membership"]))


def test_damaged_scores_are_made_again_and_told(cli, forests, tmp_path):
    command = ["attack", "--outputs", forests[0], "--out", "found", "--store", "store"]
    assert cli(*command).returncode == 0
    first = (tmp_path / "found" / "results.json").read_bytes()
    (scores, *_) = (tmp_path / "store").glob("objects/*/*.npy")
    scores.write_bytes(scores.read_bytes()[:-1] + b"x")
    done = cli(*command, "--json")
    assert done.returncode == 0, done.stderr
    assert done.stderr.startswith("damaged in the store, and made again: scores")
    assert '"event": "damaged"' in (tmp_path / "found" / "log.jsonl").read_text()
    assert (tmp_path / "found" / "results.json").read_bytes() == first


def test_membership_of_the_target_moves_figures_and_no_score(forests, tmp_path):
    _, arrays = forests
    settings = {"attack": {"families": ["shadow"], "models": ["logistic_regression"]}}
    results = []
    for name, membership in (("one", arrays["membership"]), ("other", ~arrays["membership"])):
        np.savez(tmp_path / f"{name}.npz", **{**arrays, "membership": membership})
        results.append(attack(tmp_path / name, tmp_path / f"{name}.npz", settings))
    one, other = (np.load(tmp_path / name / "scores.npz") for name in ("one", "other"))
    name = "shadow_logistic_regression"
    assert np.array_equal(one[name], other[name])
    sides = [result.attacks[name].auc for result in results]
    assert sides[0] > 0.7
    assert sides[1] < 0.3


def test_other_outputs_never_find_the_scores_of_these(forests, tmp_path):
    _, arrays = forests
    settings = {"attack": {"families": ["shadow"], "models": ["logistic_regression"]}}
    attack_name = "shadow_logistic_regression"
    scores = []
    mixed = arrays["reference_membership"][::-1]
    shifted = np.roll(arrays["target_confidences"], 1, axis=0)
    for name, changes in (
        ("these", {}), ("mixed", {"reference_membership": mixed}),
        ("shifted", {"target_confidences": shifted}),
    ):  # fmt: skip
        np.savez(tmp_path / f"{name}.npz", **{**arrays, **changes})
        attack(tmp_path / name, tmp_path / f"{name}.npz", settings)
        scores.append(np.load(tmp_path / name / "scores.npz")[attack_name])
    assert not np.array_equal(scores[0], scores[1])
    assert not np.array_equal(scores[0], scores[2])


def test_a_class_of_outputs_without_records_is_no_class_to_attack(forests, tmp_path):
    _, arrays = forests
    none = arrays["labels"] != 7
    kept = {
        key: array[:, none] if key.startswith("reference") else array[none]
        for key, array in arrays.items()
    }
    np.savez(tmp_path / "kept.npz", **kept)
    settings = {"attack": {"families": ["shadow"], "fcnet": {"network": "fcnet", "epochs": 2}}}
    backend = NumpyBackend()
    found = attack(tmp_path / "kept", tmp_path / "kept.npz", settings, NumpyEngine(backend))
    assert set(backend.trained) == {f"attack-{label}" for label in range(10) if label != 7}
    assert not found.not_run
    for result in found.attacks.values():
        assert [row.label for row in result.per_class] == [0, 1, 2, 3, 4, 5, 6, 8, 9]


def test_attacks_that_cannot_run_are_refused_with_what_they_lack(forests, tmp_path):
    file, arrays = forests
    chosen = {"attack": {"families": ["shadow"], "models": ["fcnet"]}}
    with pytest.raises(ConfigError, match=r"'shadow_fcnet' cannot run here.*\(--backend\)"):
        attack(tmp_path / "found", file, chosen)
    alone = {key: array for key, array in arrays.items() if not key.startswith("reference")}
    np.savez(tmp_path / "alone.npz", **alone)
    shadow = {"attack": {"families": ["shadow"]}}
    with pytest.raises(ConfigError, match=r"shadow models whose.*'reference_membership' in the"):
        attack(tmp_path / "found", tmp_path / "alone.npz", shadow)
    apart = {**arrays, "membership": arrays["labels"] < 5}
    np.savez(tmp_path / "apart.npz", **apart)
    with pytest.raises(DataError, match="no class has both members and non-members"):
        attack(tmp_path / "found", tmp_path / "apart.npz", {})
    untaught = {**arrays, "reference_membership": arrays["labels"][None].repeat(5, 0) != 4}
    np.savez(tmp_path / "untaught.npz", **untaught)
    with pytest.raises(ConfigError, match="of each class both members and non-members"):
        attack(tmp_path / "found", tmp_path / "untaught.npz", shadow)
    # What asks for less goes on.
    found = attack(tmp_path / "untaught", tmp_path / "untaught.npz", {})
    assert {"loss", "lira_offline", "lira_online", "base"} <= found.attacks.keys()
    assert "shadow_random_forest" in found.not_run


def test_outputs_alone_are_attacked_by_their_signals_and_nobody_is_accused(forests, tmp_path):
    """Without references there is no threshold, and the ROC curve still tells what leaks."""
    _, arrays = forests
    alone = {key: array for key, array in arrays.items() if not key.startswith("reference")}
    np.savez(tmp_path / "alone.npz", **alone)
    found = attack(tmp_path / "found", tmp_path / "alone.npz", {})
    assert list(found.attacks) == ["loss", "correctness", "entropy", "modified_entropy"]
    loss = found.attacks["loss"]
    assert loss.auc > 0.7
    assert loss.tpr_at_fpr["0.1"] is not None
    assert (loss.accuracy, loss.precision, loss.epsilon, loss.decisions) == (None, None, None, [])
    assert {"loss_per_class", "lira_offline", "shadow_random_forest"} <= found.not_run.keys()


def test_bad_input_is_one_line(cli, forests, tmp_path):
    file, arrays = forests
    np.savez(tmp_path / "short.npz", **{**arrays, "labels": arrays["labels"][:-1]})
    for arguments, words in (
        (["--outputs", "nowhere.npz"], ["nowhere.npz", "cannot be read"]),
        (["--outputs", "short.npz"], ["'labels' has shape (599,), not (600,)"]),
        (["--outputs", file, "--set", "target.epochs=3"], ["target.epochs=3", "leave it out"]),
        (["--outputs", file, "--backend", "jax"], ["'jax'", "torch"]),
        (
            [
                "--outputs",
                file,
                "--set",
                "attack.families=[shadow]",
                "--set",
                "attack.models=[fcnet]",
            ],
            ["shadow_fcnet", "--backend"],
        ),
    ):
        assert_refused(cli("attack", *arguments), *words)
    assert_refused(
        cli("run", "--set", f"data={{name: outputs, file: {file}}}", "--out", "run"), "--outputs"
    )


@pytest.mark.parametrize("family", ["quantile", "trajectory"])
def test_families_that_look_beyond_outputs_are_refused_in_a_line(tmp_path, forests, family):
    file, _ = forests
    with pytest.raises(ConfigError, match=f"'{family}' cannot run here.*`mia-dual run`") as caught:
        attack(tmp_path / "refused", file, {"attack": {"families": ["thresholds", family]}})
    assert "\n" not in str(caught.value)
