"""A target that its user trained is audited as it is; shadows and retrained models are ours."""

import json

import numpy as np
import pytest
import safetensors.numpy

from mia_dual.config import Config, load_config
from mia_dual.data.load import load_dataset
from mia_dual.errors import BackendError, ConfigError, DataError, NetworkError
from mia_dual.interface import Capability
from mia_dual.plan.draft import draft_plan
from mia_dual.progress import Silent
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.walks.run import run_audit
from tests.numpy_backend import NumpyBackend, NumpyEngine

SETTINGS = {
    "split": {"target_members": 100, "target_non_members": 120, "shadow_members": 120},
    "target": {"network": "fcnet", "hidden": 16, "epochs": 6, "learning_rate": 0.05},
    "shadows": {"count": 2},
    "attack": {"families": ["shadow"], "models": ["logistic_regression"]},
    "deletion": {"ratios": [0.1], "groups": 3, "placement": "concentrated"},
}
MEMBERS = 150


def audit(folder, settings, backend):
    config = Config.model_validate(settings)
    dataset = load_dataset(
        config.data.name, file=config.data.file, members=config.target.weights is not None
    )
    with RunFolder(folder, config, Store(folder.parent / "store")) as opened:
        return run_audit(config, NumpyEngine(backend), dataset, opened, Silent())


@pytest.fixture(scope="module")
def mine(tmp_path_factory):
    """Digits, the weights of an FCNet that 150 of them taught, and who those are."""
    folder = tmp_path_factory.mktemp("mine")
    first = {
        **SETTINGS,
        "split": {**SETTINGS["split"], "target_members": MEMBERS},
        "deletion": {"ratios": []},
    }
    audit(folder / "first", first, NumpyBackend())
    digits = load_dataset("digits")
    plan = np.load(folder / "first" / "plan.npz")
    member = np.isin(np.arange(len(digits.labels)), plan["target_members"])
    np.savez(folder / "mine.npz", x=digits.features, y=digits.labels, member=member)
    weights = safetensors.numpy.load_file(folder / "first" / "models" / "target.safetensors")
    return folder, weights, member


@pytest.fixture
def settings(mine, tmp_path):
    """Settings of an audit of weights, which are changed before they are saved."""

    def make(changes=None, **others):
        folder, weights, _ = mine
        found = {**weights, **(changes or {})}
        found = {name: array for name, array in found.items() if array is not None}
        safetensors.numpy.save_file(found, tmp_path / "mine.safetensors")
        target = {**SETTINGS["target"], "weights": str(tmp_path / "mine.safetensors")}
        data = {"name": "npz", "file": str(folder / "mine.npz")}
        return {**SETTINGS, "target": target, "data": data, **others}

    return make


def test_the_target_is_not_trained_and_the_rest_is(settings, mine, tmp_path):
    folder, weights, member = mine
    backend = NumpyBackend()
    found = audit(tmp_path / "run", settings(), backend)
    assert "target" not in backend.trained
    assert found.curve == []
    assert backend.trained[:2] == ["shadow-00", "shadow-01"]
    kept = safetensors.numpy.load_file(tmp_path / "run" / "models" / "target.safetensors")
    assert kept.keys() == weights.keys()
    assert all(np.array_equal(kept[name], weights[name]) for name in weights)
    assert json.loads((tmp_path / "run" / "cost.json").read_text())["target"]["steps"] == 0
    # What the first run found on all members and non-members holds for those that were drawn.
    first = json.loads((folder / "first" / "results.json").read_text())
    assert found.target.train_accuracy == pytest.approx(first["target"]["train_accuracy"], abs=0.05)
    plan = np.load(tmp_path / "run" / "plan.npz")
    audited = plan["target_members"]
    assert len(audited) == 100
    assert member[audited].all()
    assert not member[plan["target_non_members"]].any()
    assert not member[plan["shadow_pool"]].any()
    assert not np.isin(plan["target_non_members"], plan["shadow_pool"]).any()
    # A deletion is retrained on all that the target saw, audited or not, but the deleted.
    deleted = plan["deleted/10pct"]
    assert np.isin(deleted, audited).all()
    retained = np.setdiff1d(np.flatnonzero(member), deleted)
    assert np.array_equal(plan["members/full-10pct"], retained)
    groups = np.concatenate([plan[f"group/0{number}"] for number in range(3)])
    assert np.array_equal(np.sort(groups), np.flatnonzero(member))
    assert found.deletion[0].deleted_accuracy_before > found.target.test_accuracy

    again = NumpyBackend()
    audit(tmp_path / "run", settings(), again)
    assert (again.trained, again.asked) == ([], [])


def test_other_weights_are_another_target(settings, mine, tmp_path):
    _, weights, _ = mine
    audit(tmp_path / "one", settings(), NumpyBackend())
    other = NumpyBackend()
    changed = settings({"fc2.bias": -weights["fc2.bias"]})
    audit(tmp_path / "other", changed, other)
    # Shadows are the same; the target alone is asked again.
    assert (other.trained, other.asked) == ([], [220])


def test_what_no_answer_depends_on_is_left_out(settings, mine, tmp_path):
    _, weights, _ = mine
    changes = {
        "fc1.num_batches_tracked": np.array(3, np.int64),
        "fc2.weight": weights["fc2.weight"].astype(np.float64),
    }
    audit(tmp_path / "run", settings(changes, deletion={"ratios": []}), NumpyBackend())
    kept = safetensors.numpy.load_file(tmp_path / "run" / "models" / "target.safetensors")
    assert kept.keys() == weights.keys()
    assert {array.dtype for array in kept.values()} == {np.dtype(np.float32)}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"fc1.bias": None}, "'fc1.bias' is absent, expected \\(16,\\)"),
        ({"a\nb": np.zeros(3, np.float32)}, r"'a\\nb' is \(3,\), expected absent"),
        ({"fc3.bias": np.zeros(3, np.float32)}, "'fc3.bias' is \\(3,\\), expected absent"),
        ({"fc1.weight": np.zeros((9, 64), np.float32)}, "'fc1.weight' is \\(9, 64\\), expected"),
        ({"fc1.bias": np.full(16, np.nan, np.float32)}, "'fc1.bias' holds NaN"),
        ({"fc1.bias": np.zeros(16, np.int64)}, "'fc1.bias' is int64, expected float32"),
        ({"fc1.bias": np.full(16, 1e300)}, "'fc1.bias' holds NaN or infinite"),
    ],
)
def test_weights_that_do_not_fit_are_named_before_anything_trains(
    settings, tmp_path, changes, message
):
    backend = NumpyBackend()
    with pytest.raises(NetworkError, match=message):
        audit(tmp_path / "run", settings(changes), backend)
    assert backend.trained == []


def test_files_that_hold_no_weights_are_named(settings, tmp_path):
    asked = settings()
    file = tmp_path / "mine.safetensors"
    whole = file.read_bytes()
    for content in (b"", b"some text", whole[:-5], whole[:40]):
        file.write_bytes(content)
        with pytest.raises(NetworkError, match=r"mine\.safetensors' is no safetensors file"):
            audit(tmp_path / "run", asked, NumpyBackend())
    file.unlink()
    with pytest.raises(NetworkError, match=r"mine\.safetensors' cannot be read"):
        audit(tmp_path / "run", asked, NumpyBackend())
    file.mkdir()
    with pytest.raises(NetworkError, match="is no file"):
        audit(tmp_path / "run", asked, NumpyBackend())


def test_a_backend_without_weights_takes_none(settings, tmp_path):
    backend = NumpyBackend()
    backend.capabilities = frozenset({Capability.STEPS})
    with pytest.raises(BackendError, match=r"target\.weights.*'numpy' are not made of weights"):
        audit(tmp_path / "run", settings(), backend)


def test_who_is_a_member_must_be_said(settings, mine, tmp_path):
    folder, _, member = mine
    arrays = dict(np.load(folder / "mine.npz"))
    for change, message in (
        ({"member": None}, "no array 'member': it holds 'x', 'y'"),
        ({"member": member[1:]}, r"'member' has shape \(1796,\), not \(1797,\)"),
        ({"member": member * 2}, "'member' holds 2"),
        ({"member": ~member}, "leaves 150 records that are none"),
        ({"member": np.arange(1797) < 99}, "names 99 members.*split.target_members asks for 100"),
    ):
        found = {name: array for name, array in {**arrays, **change}.items() if array is not None}
        np.savez(tmp_path / "other.npz", **found)
        asked = settings(data={"name": "npz", "file": str(tmp_path / "other.npz")})
        with pytest.raises(DataError, match=message):
            audit(tmp_path / "run", asked, NumpyBackend())


def test_a_test_part_holds_no_members_unless_it_says_so(settings, mine, tmp_path):
    folder, _, member = mine
    arrays = dict(np.load(folder / "mine.npz"))
    halves = {"x": arrays["x"][:900], "y": arrays["y"][:900], "member": member[:900],
              "x_test": arrays["x"][900:], "y_test": arrays["y"][900:]}  # fmt: skip
    np.savez(tmp_path / "halves.npz", **halves)
    found = load_dataset("npz", file=tmp_path / "halves.npz", members=True).member
    assert np.array_equal(found[:900], member[:900])
    assert not found[900:].any()
    np.savez(tmp_path / "halves.npz", **halves, member_test=member[900:].astype(int))
    found = load_dataset("npz", file=tmp_path / "halves.npz", members=True).member
    assert np.array_equal(found, member)


def test_weights_need_a_file_that_says_who_is_a_member(settings):
    with pytest.raises(ConfigError, match=r"target\.weights goes with data\.name: npz"):
        load_config(None, ["target.weights=mine.safetensors"])
    dataset = load_dataset("digits")
    with pytest.raises(DataError, match="nothing says who that target was trained on"):
        draft_plan(Config.model_validate(settings()), dataset.labels, dataset.classes)
