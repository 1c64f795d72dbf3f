"""One command on several backends: each in its own folder, a failing one named, then compared.

The backends are NumPy's under entry points of their own, so that nothing waits for a framework.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from filelock import FileLock, Timeout

from mia_dual.report.comparison import Comparison
from mia_dual.report.page.phrases import read_words
from tests.numpy_backend import NumpyBackend

ROOT = Path(__file__).parents[2]

SETTINGS = {
    "seed": 5,
    "split": {"target_members": 100, "target_non_members": 100, "shadow_members": 100},
    "target": {"network": "fcnet", "hidden": 16, "epochs": 5, "learning_rate": 0.1},
    "shadows": {"count": 2},
    "attack": {"families": ["shadow"], "models": ["logistic_regression"]},
    "deletion": {"ratios": [0.1], "methods": ["full"]},
}

ENTRY_POINTS = """\
[mia_dual.backends]
first = tests.pipeline.test_several_backends:First
second = tests.pipeline.test_several_backends:Second
failing = tests.pipeline.test_several_backends:Failing
slow = tests.pipeline.test_several_backends:Slow
lacking = a_framework_nobody_has:Backend
"""


class First(NumpyBackend):
    name = "first"


class Second(NumpyBackend):
    """As the first, but for its version, so that nothing is shared."""

    name = "second"

    def __init__(self, device="cpu", execution=None):
        super().__init__(version="2")


class Failing(NumpyBackend):
    """Cannot train."""

    name = "failing"

    def train(self, *arguments):
        from mia_dual.errors import NetworkError

        raise NetworkError("this one never trains")


class Slow(NumpyBackend):
    """Trains until it is stopped."""

    name = "slow"

    def train(self, *arguments):
        Path("training").touch()
        while True:
            time.sleep(0.05)


@pytest.fixture
def several(cli, tmp_path):
    """Run ``mia-dual run`` where the backends above are installed."""
    installed = tmp_path / "installed" / "several-1.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: several\nVersion: 1\n")
    (installed / "entry_points.txt").write_text(ENTRY_POINTS)
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(SETTINGS))
    paths = [str(installed.parent), str(ROOT), os.environ.get("PYTHONPATH", "")]

    def run(*backends, more=()):
        options = [part for name in backends for part in ("--backend", name)]
        environment = {"PYTHONPATH": os.pathsep.join(paths)}
        return cli("run", "-c", "small.yaml", *options, *more, env=environment)

    run.environment = {"PYTHONPATH": os.pathsep.join(paths)}
    return run


def test_each_backend_runs_into_its_own_folder_and_they_are_compared(several, tmp_path):
    done = several("first", "second", more=["--set", "target.epochs=6", "--seed", "0", "--page"])
    assert done.returncode == 0, done.stderr
    runs = tmp_path / "runs"
    for name in ("first", "second"):
        config = yaml.safe_load((runs / f"small-{name}" / "config.yaml").read_text())
        assert (config["backend"], config["seed"], config["target"]["epochs"]) == (name, 0, 6)
        assert (runs / f"small-{name}" / "report.html").is_file()
    page = (runs / "small-comparison.html").read_text(encoding="utf-8")
    assert read_words("en")["section.compared"] in page
    comparison = Comparison.model_validate_json((runs / "small-comparison.json").read_text())
    (pair,) = comparison.pairs
    assert (pair.first.backend, pair.second.backend) == ("first", "second")
    assert [setting.key for setting in pair.config] == ["backend"]
    assert pair.attacks[0].verdict.found == "same"
    assert done.stdout.index("(first)") < done.stdout.index("(second)")
    assert "shadow_logistic_regression: the same" in done.stdout
    # Again, and elsewhere: nothing is trained, so no backend needs to start.
    events = [(runs / f"small-{name}" / "log.jsonl").read_text() for name in ("first", "second")]
    again = several("first", "second", more=["--set", "target.epochs=6", "--seed", "0", "--json"])
    assert again.returncode == 0, again.stderr
    assert Comparison.model_validate_json(again.stdout) == comparison
    for name, before in zip(("first", "second"), events):
        log = (runs / f"small-{name}" / "log.jsonl").read_text()
        fresh = [json.loads(line)["event"] for line in log[len(before) :].splitlines()]
        assert fresh == ["done"]


def test_one_that_fails_is_named_and_the_others_run(several, tmp_path):
    done = several("failing", "first", "second", more=["--out", "here/run"])
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert "mia-dual: this one never trains" in lines
    assert lines[-1].startswith("mia-dual: the run on 'failing' failed")
    here = tmp_path / "here"
    assert (here / "run-first" / "results.json").exists()
    assert not (here / "run-failing" / "results.json").exists()
    comparison = Comparison.model_validate_json((here / "run-comparison.json").read_text())
    assert comparison.pairs[0].first.path == str(Path("here") / "run-first")


@pytest.mark.parametrize(
    ("backends", "says"),
    [
        (["first", "nobody"], "no backend 'nobody'"),
        (["first", "lacking"], "backend 'lacking' cannot start: backend 'lacking' cannot be"),
        (["first", "first"], "--backend first stands twice"),
        (["first", "second", "--set", "target.epochs=-1"], "target.epochs"),
    ],
)
def test_what_cannot_run_is_refused_before_anything_trains(several, tmp_path, backends, says):
    names = [name for name in backends if "-" not in name and "=" not in name]
    done = several(*names, more=backends[len(names) :])
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert says in line
    assert done.stdout == ""
    assert not (tmp_path / "runs").exists()


def test_a_plan_of_each_is_printed_and_nothing_made(several, tmp_path):
    done = several("first", "second", more=["--dry-run"])
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Expected here") == 2
    assert not (tmp_path / "runs").exists()


@pytest.fixture
def begun(several, tmp_path):
    """Several runs, the first of which has begun and takes long."""
    process = subprocess.Popen(
        [sys.executable, "-m", "mia_dual", "run", "-c", "small.yaml", "--backend", "slow",
         "--backend", "first", "--store", "store"],
        cwd=tmp_path,
        env={**os.environ, **several.environment},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while not (tmp_path / "training").exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


@pytest.mark.skipif(os.name == "nt", reason="signals are Unix's")
def test_a_run_ends_with_the_command_that_began_it(begun, tmp_path):
    lock = FileLock(str(tmp_path / "runs" / "small-slow" / ".lock"))
    with pytest.raises(Timeout):
        lock.acquire(timeout=0)
    begun.kill()
    with lock.acquire(timeout=60):
        assert not (tmp_path / "runs" / "small-slow" / "results.json").exists()


@pytest.mark.skipif(os.name == "nt", reason="signals are Unix's")
def test_an_interrupt_stops_all_of_them(begun, tmp_path):
    process = begun
    # As Ctrl-C in a terminal does: to every process.
    os.killpg(process.pid, signal.SIGINT)
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 130
    assert complaint.strip().splitlines() == [
        "mia-dual: interrupted; the same command goes on where it stopped"
    ]
    assert not (tmp_path / "runs" / "small-first").exists()


@pytest.mark.skipif(os.name == "nt", reason="signals are Unix's")
def test_sigterm_to_the_command_alone_stops_what_it_began(begun, tmp_path):
    # As a scheduler or a container does, which then waits for some seconds.
    begun.terminate()
    _, complaint = begun.communicate(timeout=60)
    assert begun.returncode == 143
    (line,) = complaint.strip().splitlines()
    assert line.endswith("the same command goes on where it stopped")
    with FileLock(str(tmp_path / "runs" / "small-slow" / ".lock")).acquire(timeout=0):
        assert not (tmp_path / "runs" / "small-first").exists()
