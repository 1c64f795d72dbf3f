"""Two packages of the platform that are not here: stand-ins with what we use of them."""

import sys
import types

import pytest

from mia_dual.config import Config
from mia_dual.errors import DataError
from mia_dual.xihe.c2net import VARIABLE, prepare
from mia_dual.xihe.job import main
from mia_dual.xihe.records import open_records
from tests.xihe.conftest import SMALL


class Run:
    """What Aim 3.8 gives."""

    made = None

    def __init__(self, repo, experiment):
        self.repo, self.tracked, self.params, self.closed = repo, [], {}, False
        Run.made = self

    def __setitem__(self, key, value):
        self.params[key] = value

    def track(self, value, name, step=None, context=None):
        self.tracked.append((name, value, context))

    def close(self):
        self.closed = True


@pytest.fixture
def aim(monkeypatch):
    monkeypatch.setitem(sys.modules, "aim", types.SimpleNamespace(Run=Run, Text=str))


@pytest.fixture
def c2net(monkeypatch, tmp_path):
    """c2net as it is: it raises where its environment is not set."""
    uploaded = []

    def prepared():
        return types.SimpleNamespace(
            dataset_path=str(tmp_path / "data"), output_path=str(tmp_path / "c2net")
        )

    module = types.SimpleNamespace(prepare=prepared, upload_output=lambda: uploaded.append(1))
    monkeypatch.setitem(sys.modules, "c2net", types.SimpleNamespace(context=module))
    monkeypatch.setitem(sys.modules, "c2net.context", module)
    module.uploaded = uploaded
    return module


def test_without_aim_a_line_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "aim", None)
    said = []
    open_records("/repo", said.append).line("goes nowhere")
    assert said == [
        "aim is not installed, so nothing is written to aim_repo: add aim to pip-requirements"
    ]
    open_records(None, said.append)
    assert len(said) == 1


def test_an_aim_that_fails_is_no_reason_to_lose_a_run(monkeypatch):
    def refuse(**given):
        raise RuntimeError("full")

    monkeypatch.setitem(sys.modules, "aim", types.SimpleNamespace(Run=refuse))
    said = []
    open_records("/repo", said.append).line("goes nowhere")
    assert said == ["aim cannot write to '/repo' (full): going on without it"]


def test_c2net_is_left_alone_without_its_environment(monkeypatch):
    monkeypatch.setitem(sys.modules, "c2net.context", None)
    said = []
    assert prepare({}, said.append) is None
    assert said == []
    assert prepare({VARIABLE: "MOUNT"}, said.append) is None
    assert said[0].startswith(f"{VARIABLE} is set, and c2net cannot be imported")


def test_a_c2net_that_fails_is_a_line(c2net):
    def refuse():
        raise ValueError("no\nsuch place")

    c2net.prepare = refuse
    with pytest.raises(DataError, match="c2net could not prepare the job: no such place"):
        prepare({VARIABLE: "MOUNT"}, print)


def test_a_job_with_both(aim, c2net, tmp_path, monkeypatch, capsys):
    settings = Config.model_validate({"backend": "torch", **SMALL}).to_yaml()
    (tmp_path / "config.yaml").write_text(settings)
    (tmp_path / "data").mkdir()
    monkeypatch.setenv(VARIABLE, "MOUNT")
    for name in ("RANK_ID", "RANK_SIZE"):
        monkeypatch.delenv(name, raising=False)
    arguments = [f"--aim_repo={tmp_path / 'aim'}", "--target.epochs=2"]
    assert main(arguments, tmp_path) == 0, capsys.readouterr().err
    assert c2net.uploaded == [1]
    assert (tmp_path / "c2net" / "run" / "results.json").is_file()
    run = Run.made
    assert (run.repo, run.closed) == (str(tmp_path / "aim"), True)
    assert run.params["config"]["target"]["epochs"] == 2
    names = {name for name, _, _ in run.tracked}
    assert {"log", "progress", "auc", "train_accuracy", "results.json"} <= names
    lines = [value for name, value, _ in run.tracked if name == "log"]
    assert any(line.startswith("accuracy ") for line in lines)


@pytest.mark.parametrize(
    ("words", "config", "line"),
    [
        ([], "", "the job has no --output_path (or --output_url)"),
        (["--output_path=obs://bucket/x"], "", "is no folder of this machine"),
        (["--output_path=o", "--rank_timeout=x"], "", "--rank_timeout='x' is no time"),
        (["--output_path=o", "--target.epochs=none"], "", "target.epochs: 'none' does not do"),
        (["--output_path=o", "--config=other.yaml"], "", "other.yaml' cannot be read"),
        (["--output_path=o"], "seed: [", "this is not YAML"),
        (["--output_path=o"], "data: {name: npz}", "data 'npz': no .npz file lies in the inputs"),
        (["--output_path=o", "--data.name=other"], "", "no data set 'other'"),
        (["--output_path=o", "--backend=keras"], "", "no backend 'keras'"),
    ],
)
def test_bad_input_is_a_line(words, config, line, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "config.yaml").write_text(config or "backend: torch")
    assert main(words, tmp_path) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith("mia-dual: ")
    assert line in said
    assert not (tmp_path / "o" / "run").exists()


def test_ranks_that_make_no_sense_are_a_line(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RANK_ID", "x")
    assert main(["--output_path=o"], tmp_path) == 2
    assert "RANK_ID='x' and RANK_SIZE='1' make no sense" in capsys.readouterr().err
