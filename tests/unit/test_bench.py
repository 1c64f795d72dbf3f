"""What measures in processes of their own leaves none behind, and tells what they did."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from mia_dual.cli.app import app
from mia_dual.errors import BackendError
from mia_dual.interface import NetworkSpec
from mia_dual.measure import start_bench
from mia_dual.measure.start_bench import Took, took
from mia_dual.networks import NETWORKS
from mia_dual_torch.networks import build

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"

CALLER = (
    "from mia_dual.measure.bench import in_own_process; "
    "in_own_process(exec, 'import time; print(1, flush=True); time.sleep(600)')"
)


def test_a_measurement_ends_with_the_process_that_asked_for_it():
    caller = subprocess.Popen([sys.executable, "-c", CALLER], stdout=subprocess.PIPE)
    assert caller.stdout.readline()
    caller.kill()
    # The measurement holds the output, too: this waits until both have ended.
    caller.communicate(timeout=60)


def test_starts_are_measured_and_held_against_a_small_audit(monkeypatch):
    runs = []

    def audits_drawn(what, backend, words, environment=None):
        if "run" not in words:
            return took(what, backend, words, environment)
        runs.append((words, environment))
        return Took(what, backend, 4.0, None), ""

    monkeypatch.setattr(start_bench, "took", audits_drawn)
    # What the adapter says is imported, and not found under that name.
    monkeypatch.setattr(start_bench, "find_spec", lambda module: None)
    asked = ["--network", "fcnet", "--models", "1", "--rounds", "1", "--backend", "torch"]
    done = CliRunner().invoke(app, ["bench", "--start", *asked, "--json"])
    assert done.exit_code == 0, done.output + str(done.exception)
    found = {entry["what"]: entry for entry in json.loads(done.stdout)["measured"]}
    assert list(found) == [
        *("python", "mia-dual --help", "backend ready", "first step"),
        *("quick audit", "with caches", "repeated"),
    ]
    assert found["first step"]["backend"] == "torch"
    for entry in found.values():
        assert (entry["times_import"], entry["times_quick_audit"]) == (None, entry["wall"] / 4)
    # One data folder; the last is the command of the one before.
    assert len({environment["MIA_DUAL_DATA"] for _, environment in runs}) == 1
    first, second, third = (words for words, _ in runs)
    assert first != second == third


def test_a_process_that_fails_is_told_with_what_it_said():
    with pytest.raises(BackendError, match="'first step' failed: no such step"):
        took("first step", "torch", ["-c", "import sys; sys.exit('no such step')"])
    spent, line = took("ready", "torch", ["-c", "print('said', flush=True)"])
    assert (line, spent.what, spent.backend) == ("said", "ready", "torch")
    assert spent.wall > 0


def test_the_plain_script_has_the_networks_that_are_held_against_it(monkeypatch):
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import plain_pytorch

    assert set(plain_pytorch.NETWORKS) == set(NETWORKS)
    images = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
    for name, network in plain_pytorch.NETWORKS.items():
        ours, plain = build(NetworkSpec(name, (1, 28, 28), 10)), network()
        plain.load_state_dict(ours.state_dict())
        assert torch.equal(plain(images), ours(images)), name
