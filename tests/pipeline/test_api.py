"""The audit as a function, and what its results give a notebook."""

import json
import sys

import numpy as np
import pytest
import yaml

from mia_dual import attack, audit
from mia_dual.config import Config
from mia_dual.errors import BackendError, ConfigError, MissingPackageError, StoreError
from mia_dual.report.results import Results
from mia_dual.report.rows import tidy_rows

SETTINGS = {
    "backend": "numpy",
    "split": {"target_members": 120, "target_non_members": 120, "shadow_members": 120},
    "target": {"network": "fcnet", "hidden": 16, "epochs": 6, "learning_rate": 0.05},
    "shadows": {"count": 2},
    "attack": {"families": ["shadow"], "models": ["logistic_regression"]},
    "deletion": {"ratios": [0.1], "groups": 3},
}


@pytest.fixture(scope="module")
def registered(tmp_path_factory):
    """The NumPy backend, found as a third party's would be."""
    folder = tmp_path_factory.mktemp("site")
    about = folder / "mia_dual_numpy-0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: mia-dual-numpy\nVersion: 0\n")
    (about / "entry_points.txt").write_text(
        "[mia_dual.backends]\nnumpy = tests.numpy_backend:NumpyBackend\n"
    )
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))


@pytest.fixture(scope="module")
def results(registered, tmp_path_factory):
    folder = tmp_path_factory.mktemp("api")
    return audit(SETTINGS, out=folder / "run", progress=False), folder


@pytest.fixture
def here(tmp_path, monkeypatch, results):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MIA_DUAL_STORE", str(results[1] / "store"))
    return tmp_path


def test_a_dict_a_file_and_a_config_are_the_same_audit(here, results, registered):
    expected, folder = results
    assert audit(SETTINGS, progress=False) == expected
    (made,) = (here / "runs").iterdir()
    assert (made / "results.json").read_bytes() == (folder / "run/results.json").read_bytes()
    # The same asked for again is found where it was.
    before = (made / "log.jsonl").stat().st_size
    assert audit(Config.model_validate(SETTINGS), progress=False) == expected
    assert [found.name for found in (here / "runs").iterdir()] == [made.name]
    assert (made / "log.jsonl").stat().st_size > before
    (here / "mine.yaml").write_text(yaml.safe_dump({**SETTINGS, "backend": "torch"}))
    assert audit("mine.yaml", backend="numpy", progress=False) == expected
    assert (here / "runs" / "mine-numpy" / "results.json").is_file()
    assert SETTINGS["backend"] == "numpy"


def test_trackers_are_told_and_one_that_fails_is_a_warning(here, registered):
    pytest.importorskip("tensorboardX")
    (here / "file").write_text("")
    with pytest.warns(UserWarning, match="did not take it"):
        audit(SETTINGS, progress=False, track=["tensorboard:file", "tensorboard:events"])
    assert list((here / "events").rglob("events.*"))
    with pytest.raises(ConfigError, match="names no tracker"):
        audit(SETTINGS, progress=False, track=["nobody"])


def test_results_are_loaded_from_a_run_folder(results, tmp_path):
    expected, folder = results
    assert Results.load(folder / "run") == expected
    assert Results.load(str(folder / "run")) == expected
    with pytest.raises(StoreError, match=r"cannot be read .*finished run"):
        Results.load(tmp_path)
    (tmp_path / "results.json").write_text("{}")
    with pytest.raises(StoreError, match=r"no results of this version \(backend: "):
        Results.load(tmp_path)
    (tmp_path / "results.json").write_text("[")
    with pytest.raises(StoreError, match=r"no results of this version \(the file: "):
        Results.load(tmp_path)


def test_what_cannot_be_audited_is_said_in_a_line(here, registered):
    for config, options, error, message in (
        ({"target": {"network": "vgg"}}, {}, ConfigError, "vgg"),
        ({"target_count": 3}, {}, ConfigError, "unknown key 'target_count'"),
        ("nowhere.yaml", {}, ConfigError, "nowhere.yaml"),
        (SETTINGS, {"backend": "jax"}, BackendError, "'jax'"),
    ):
        with pytest.raises(error, match=message) as caught:
            audit(config, progress=False, **options)
        assert "\n" not in str(caught.value)
    assert not (here / "runs").exists()


def test_outputs_are_attacked_by_a_function_too(here, results):
    _, folder = results
    scores = np.load(folder / "run" / "scores.npz")
    labels = np.arange(len(scores["rows"])) % 10
    rng = np.random.default_rng(0)
    sure = rng.random((4, len(labels))) < 0.5
    said = rng.normal(size=(4, len(labels), 10)).astype(np.float32)
    said[:, np.arange(len(labels)), labels] += 4 * sure
    np.savez("said.npz", target_logits=said[0], labels=labels, membership=sure[0],
             reference_logits=said[1:], reference_membership=sure[1:])  # fmt: skip
    found = attack(
        "said.npz",
        {"attack": {"families": ["shadow"], "models": ["random_forest"]}},
        progress=False,
    )
    assert found.attacks["shadow_random_forest"].auc > 0.8
    assert (here / "runs" / "attack-said" / "scores.npz").is_file()
    assert "shadow_fcnet did not run" in attack("said.npz", out="all", progress=False)._repr_html_()


def test_rows_are_one_a_measurement(results):
    found, _ = results
    rows = tidy_rows(found)
    place = ("attack", "version", "side", "request", "method", "scope", "label")
    assert len({tuple(row[key] for key in place) for row in rows}) == len(rows)
    assert len({tuple(row) for row in rows}) == 1
    whole = [row for row in rows if row["scope"] == "all"]
    assert [(row["version"], row["side"], row["request"]) for row in whole] == [
        ("original", "members", None),
        ("groups", "members", None),
        ("original", "retained", "10%"),
        ("full-10%", "retained", "10%"),
        ("original", "deleted", "10%"),
        ("full-10%", "deleted", "10%"),
        ("groups", "retained", "10%"),
        ("grouped-10%", "retained", "10%"),
        ("groups", "deleted", "10%"),
        ("grouped-10%", "deleted", "10%"),
    ]
    first, attack_found = whole[0], found.attacks["shadow_logistic_regression"]
    assert first["auc"] == attack_found.auc
    assert (first["auc_low"], first["auc_high"]) == attack_found.auc_interval
    assert first["tpr_at_fpr_0.1"] == attack_found.tpr_at_fpr["0.1"]
    classes = [row for row in rows if row["scope"] == "class" and row["version"] == "groups"]
    assert {row["label"] for row in classes} == set(range(10))
    json.dumps(rows)


def test_a_frame_has_the_rows(results):
    pytest.importorskip("pandas")
    found, _ = results
    frame = found.to_frame()
    assert len(frame) == len(tidy_rows(found))
    whole = frame[(frame.scope == "all") & (frame.side == "deleted")]
    assert whole.groupby("version").auc.mean().notna().all()
    assert set(frame.label.dropna()) == set(range(10))
    # What nothing can be said of is a number all the same: with 120 non-members, 1 in 1000 is.
    assert frame["tpr_at_fpr_0.001"].isna().all()
    assert frame["tpr_at_fpr_0.001"].dtype == frame.auc.dtype == float


def test_a_figure_shows_every_attack_and_deletion(results):
    pytest.importorskip("matplotlib")
    found, _ = results
    canvas = found.figure()
    ticks = [label.get_text() for axis in canvas.axes for label in axis.get_yticklabels()]
    assert ticks == [
        "original: shadow_logistic_regression",
        "groups: shadow_logistic_regression",
        "10%, full: shadow_logistic_regression",
        "10%, grouped: shadow_logistic_regression",
    ]
    drawn = [line.get_xdata()[0] for line in canvas.axes[0].lines if line.get_marker() == "o"]
    assert drawn[0] == found.attacks["shadow_logistic_regression"].auc
    assert canvas._repr_png_().startswith(b"\x89PNG")
    alone = found.model_copy(update={"deletion": [], "grouped": None})
    assert len(alone.figure().axes) == 1


@pytest.mark.parametrize(("package", "made"), [("pandas", "to_frame"), ("matplotlib", "figure")])
def test_a_missing_package_is_named(results, monkeypatch, package, made):
    for name in [name for name in sys.modules if name.partition(".")[0] == package]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingPackageError, match=f"{made} needs {package}.*pip install {package}"):
        getattr(results[0], made)()


def test_a_notebook_is_shown_text_and_no_markup_of_others(results):
    found, _ = results
    shown = found._repr_html_()
    assert f"{found.attacks['shadow_logistic_regression'].auc:.3f}" in shown
    assert "10% (12)" in shown
    evil = "<script>alert(1)</script>"
    data = found.data.model_copy(update={"name": evil})
    attacks = {evil: next(iter(found.attacks.values()))}
    shown = found.model_copy(
        update={"network": evil, "data": data, "attacks": attacks, "not_run": {evil: evil}}
    )._repr_html_()
    assert "<script" not in shown
    assert shown.count("&lt;script&gt;") == 5
