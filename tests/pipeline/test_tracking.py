"""Trackers, each read back with what its users read it with."""

import contextlib
import importlib
import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import types
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mia_dual.cli.app import app
from mia_dual.errors import ConfigError, MissingPackageError
from mia_dual.report.results import Results
from mia_dual.store.files import checksum_of
from mia_dual.tracking.figures import figures
from mia_dual.tracking.places import Place, places_of, track
from mia_dual.tracking.record import run_record, study_records, written
from mia_dual.xihe.records import open_records
from mia_dual.yaml_file import write_yaml

ONE_PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010800000000"
    "3a7e9b550000000a49444154789c6360000000020001e221bc330000000049454e44ae426082"
)

SMALL = {
    "backend": "sklearn",
    "split": {"target_members": 120, "target_non_members": 120, "shadow_members": 120},
    "target": {"network": "logistic_regression"},
    "shadows": {"count": 1},
    "attack": {"families": ["shadow"], "models": ["logistic_regression"]},
    "deletion": {"ratios": [0.05], "groups": 2},
}


def needed(module, what, in_dev=True):
    """``module`` of an extra: skipped without, but where CI has installed ``dev``."""
    try:
        return importlib.import_module(module)
    except ImportError:
        missing = f"{what} is not installed: pip install {what}"
    return (pytest.fail if in_dev and os.environ.get("CI") else pytest.skip)(missing)


@pytest.fixture
def run(deleted_run, tmp_path):
    """A finished run whose report is in its folder."""
    folder = tmp_path / "audit"
    shutil.copytree(deleted_run, folder)
    (folder / "report.html").write_text("<p>said</p>")
    (folder / "roc.png").write_bytes(ONE_PIXEL)
    return folder


@pytest.fixture
def told(run):
    """Tell a tracker of the run; it must take it."""

    def call(word, name=None):
        places = places_of([word])
        assert track(places, [run_record(run)]) == [(True, f"{name or word} holds it, too")]
        return {figure.path: figure.value for figure in figures(Results.load(run))}

    return call


def test_figures_are_those_of_the_results(run):
    results = Results.load(run)
    found = {figure.path: figure.value for figure in figures(results)}
    names = [(figure.path, figure.step) for figure in figures(results)]
    assert len(set(names)) == len(names)
    curve = [figure for figure in figures(results) if figure.path == "target/curve/test_loss"]
    assert [(one.step, one.value) for one in curve] == [
        (point.epochs, point.test_loss) for point in results.curve
    ]
    assert [one.step for one in curve] == [1, 2, 3, 4]
    assert found["target/train_accuracy"] == results.target.train_accuracy
    assert found["grouped/test_accuracy"] == results.grouped.test_accuracy
    (name,) = results.attacks
    attack = results.attacks[name]
    assert found[f"attacks/{name}/auc"] == attack.auc
    assert (
        found[f"attacks/{name}/auc_low"],
        found[f"attacks/{name}/auc_high"],
    ) == attack.auc_interval
    assert found[f"attacks/{name}/tpr_at_fpr_0.1"] == attack.tpr_at_fpr["0.1"]
    assert found[f"attacks/{name}/rank"] == 1
    requests = {(one.request, one.method): one for one in results.deletion}
    assert len(requests) == 4
    for (request, method), one in requests.items():
        of = f"deletion/{request.replace(' ', '-')}/{method}"
        assert found[f"{of}/deleted"] == one.deleted
        retained = one.attacks[name].overall
        assert found[f"{of}/{name}/retained/before/auc"] == retained.before.auc
        assert found[f"{of}/{name}/retained/after/auc"] == retained.after.auc
    # One record is too few to show any rate, and what is not known is no figure.
    assert all(isinstance(value, float) for value in found.values())


def test_settings_by_dotted_names():
    settings = {"a": {"b": {"c": 1}, "d": [1, 2]}, "e": None, "f": "text", "g": True}
    assert dict(written(settings)) == {
        "a.b.c": "1", "a.d": "[1, 2]", "e": "null", "f": "text", "g": "true",
    }  # fmt: skip


def series(run):
    """Every figure of the results: its values by their steps."""
    found = {}
    for figure in figures(Results.load(run)):
        found.setdefault(figure.path, []).append((figure.step, pytest.approx(figure.value)))
    return found


def read_mlflow(uri):
    """The one run of the store: its data, status, artifacts' paths by name, and a curve."""
    client = needed("mlflow", "mlflow-skinny").MlflowClient(uri, uri)
    (found,) = client.search_runs([client.get_experiment_by_name("mia-dual").experiment_id])
    assert (found.info.run_name, found.info.status) == ("audit", "FINISHED")
    names = [one.path for one in client.list_artifacts(found.info.run_id)]
    files = {name: client.download_artifacts(found.info.run_id, name) for name in names}
    points = client.get_metric_history(found.info.run_id, "target/curve/test_loss")
    return found.data, files, sorted((one.step, one.value) for one in points)


def assert_in_mlflow(uri, run, expected):
    data, files, curve = read_mlflow(uri)
    assert data.metrics == expected
    assert curve == series(run)["target/curve/test_loss"]
    assert data.params["target.epochs"] == "4"
    assert data.params["deletion.methods"] == '["full", "grouped"]'
    assert {"results.json", "report.html", "roc.png"} <= files.keys()
    for name, path in files.items():
        assert Path(path).read_bytes() == (run / name).read_bytes()


def test_mlflow_in_a_folder(told, run, tmp_path, monkeypatch):
    needed("mlflow", "mlflow-skinny")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    uri = (tmp_path / "mlruns").as_uri()
    assert_in_mlflow(uri, run, told(f"mlflow:{uri}"))


@pytest.fixture
def mlflow_server(tmp_path):
    """The address of a server of this test's own."""
    needed("mlflow", "mlflow-skinny")
    if importlib.util.find_spec("flask") is None:
        pytest.skip("mlflow-skinny has no server: pip install mlflow")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = subprocess.Popen(
        [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1",
         "--backend-store-uri", f"sqlite:///{tmp_path}/mlflow.db",
         "--artifacts-destination", str(tmp_path / "artifacts")],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    try:
        for _ in range(600):
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                break
            assert server.poll() is None
            time.sleep(0.1)
        yield f"127.0.0.1:{port}"
    finally:
        os.killpg(server.pid, 15)
        server.wait(30)


def test_mlflow_on_a_server(told, run, mlflow_server):
    expected = told(f"mlflow:http://me:secret@{mlflow_server}", f"mlflow:http://{mlflow_server}")
    assert_in_mlflow(f"http://{mlflow_server}", run, expected)


def test_tensorboard(told, run, tmp_path):
    needed("tensorboardX", "tensorboardX")
    reader = needed("tensorboard.backend.event_processing.event_accumulator", "tensorboard")
    places = tmp_path / "of" / "events"
    expected = told(f"tensorboard:{places}")
    told(f"tensorboard:{places}")
    assert sorted(folder.name for folder in places.iterdir()) == ["audit", "audit-2"]
    for folder in places.iterdir():
        # 0: all of each, and no sample.
        read = reader.EventAccumulator(str(folder), dict.fromkeys(reader.DEFAULT_SIZE_GUIDANCE, 0))
        read.Reload()
        scalars = {tag: read.Scalars(tag) for tag in read.Tags()["scalars"]}
        assert {
            tag: [(event.step, event.value) for event in events] for tag, events in scalars.items()
        } == series(run)
        assert scalars.keys() == expected.keys()
        (text,) = read.Tensors("settings/text_summary")
        assert b"    target.epochs: 4\n" in text.tensor_proto.string_val[0]
        (picture,) = read.Images("roc")
        assert picture.encoded_image_string == ONE_PIXEL
        for name in ("results.json", "report.html", "roc.png"):
            assert checksum_of(folder / name) == checksum_of(run / name)


def test_aim(told, run, tmp_path):
    aim = needed("aim", "aim", in_dev=False)
    expected = told(f"aim:{tmp_path / 'repo'}")
    # Read-only runs are read from an index, which newer releases leave to their server to make.
    (key,) = aim.Repo(str(tmp_path / "repo")).list_all_runs()
    found = aim.Run(key, repo=str(tmp_path / "repo"))
    assert (found.name, found.experiment) == ("audit", "mia-dual")
    assert found["config"]["target"]["epochs"] == 4
    read = {
        f"{one.context.to_dict()['of']}/{one.name}": sorted(
            one.dataframe()[["step", "value"]].itertuples(index=False, name=None)
        )
        for one in found.metrics()
        if not one.name.startswith("__system__")
    }
    assert read == series(run)
    assert read.keys() == expected.keys()
    nothing = importlib.import_module("aim.storage.context").Context({})
    text = found.get_text_sequence("results.json", nothing).values.last()[1].data
    assert json.loads(text) == json.loads((run / "results.json").read_text())
    picture = found.get_image_sequence("roc.png", nothing).values.last()[1]
    assert picture.to_pil_image().size == (1, 1)
    found.close()


def test_a_study_and_its_runs(deleted_run, tmp_path):
    needed("tensorboardX", "tensorboardX")
    study = tmp_path / "leak"
    shutil.copytree(deleted_run, study / "8-seed0")
    (study / "config.yaml").write_text("study: {name: leak}\n")
    (study / "study.csv").write_text("value\n")
    places = places_of([f"tensorboard:{tmp_path / 'events'}"])
    track(places, study_records(study, ["8-seed0"]))
    files = {
        folder.name: {file.name for file in folder.iterdir() if "tfevents" not in file.name}
        for folder in (tmp_path / "events").iterdir()
    }
    assert files["leak"] == {"config.yaml", "study.csv"}
    assert "results.json" in files["leak-8-seed0"]


def command(*words):
    """What a command prints that ends well; what it says on standard error goes there."""
    done = CliRunner().invoke(app, [*words, "--store", "store"])
    assert done.exit_code == 0, done.output
    sys.stderr.write(done.stderr)
    return done.stdout.splitlines()


def test_runs_and_deletions_are_tracked_and_nothing_changes_for_it(tmp_path, monkeypatch, capsys):
    needed("tensorboardX", "tensorboardX")
    needed("mlflow", "mlflow-skinny")
    monkeypatch.chdir(tmp_path)
    # Nobody listens there, however often it is tried.
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    (tmp_path / "small.yaml").write_text(write_yaml(SMALL))
    run = ["run", "--config", "small.yaml", "--out"]
    told = ["--track", "tensorboard:events"]
    command(*run, "plain")
    *_, first = command(*run, "told", *told, "--track", "mlflow:http://me:secret@127.0.0.1:9")
    (second,) = capsys.readouterr().err.splitlines()
    assert first == "tensorboard:events holds it, too"
    assert second.startswith("mlflow:http://127.0.0.1:9 did not take it (")
    assert second.endswith("): the run folder is whole without it")
    assert "secret" not in second
    files = [tmp_path / name / "results.json" for name in ("plain", "told", "events/told")]
    assert len({checksum_of(file) for file in files}) == 1
    assert command("delete", "told", "--ratio", "0.02", *told)[-1] == first
    sent = Results.load(tmp_path / "events" / "told-2")
    assert {one.request for one in sent.deletion} == {"5%", "request 1"}


def test_a_tracker_that_cannot_start_keeps_no_other_from_it(run, tmp_path):
    needed("tensorboardX", "tensorboardX")
    (tmp_path / "file").write_text("")
    places = places_of([f"tensorboard:{tmp_path / 'file'}", f"tensorboard:{tmp_path / 'events'}"])
    (whole, refused), (_, taken) = track(places, [run_record(run)])
    assert not whole
    assert refused.startswith(f"tensorboard:{tmp_path / 'file'} did not take it ([Errno 20] ")
    assert taken == f"tensorboard:{tmp_path / 'events'} holds it, too"


class Full:
    """Aim's run, on a disk with no room for settings."""

    def __init__(self, repo, experiment):
        pass

    def __setitem__(self, key, value):
        raise OSError("no\nspace")

    def close(self):
        pass


def test_a_tracker_that_fails_half_way_changes_nothing(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "aim", types.SimpleNamespace(Run=Full))
    said = []
    records = open_records("repo", said.append)
    records.results(run)
    records.close(True)
    assert said == ["aim did not take the results (no space)"]
    assert track([Place("aim", "repo")], [run_record(run)]) == [
        (False, "aim:repo did not take it (no space): the run folder is whole without it")
    ]


@pytest.mark.parametrize(
    ("extra", "package"),
    [("mlflow", "mlflow"), ("tensorboard", "tensorboardX"), ("aim", "aim")],
)
def test_a_tracker_that_is_not_installed_is_named_before_anything_is_done(
    extra, package, tmp_path, monkeypatch
):
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, ["run", "--backend", "torch", "--track", f"{extra}:place"])
    assert done.exit_code == 2
    assert done.output.splitlines() == [
        f"mia-dual: --track {extra} needs {package}, which is not installed: "
        f"pip install 'mia-dual[{extra}]'"
    ]
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("word", ["wandb:x", "mlflow", "mlflow:", ":x", ""])
def test_a_word_that_names_no_tracker_is_refused(word):
    with pytest.raises(ConfigError, match=r"names no tracker: write one of mlflow:http://"):
        places_of([word])


def test_naming_a_tracker_imports_nothing_of_it():
    code = (
        "import sys\nfrom mia_dual.tracking.places import places_of\n"
        "for word in ('mlflow:x', 'tensorboard:x', 'aim:x'):\n"
        "    try:\n        places_of([word])\n"
        "    except Exception as error:\n        print(type(error).__name__)\n"
        "heavy = ('mlflow', 'tensorboardX', 'aim', 'torch')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    *refused, loaded = done.stdout.splitlines()
    assert set(refused) <= {MissingPackageError.__name__}
    assert loaded == "[]"
