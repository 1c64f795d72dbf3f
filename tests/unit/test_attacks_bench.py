"""What ``bench --attacks`` measures and prints; no timing is asserted."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from mia_dual.cli.app import app
from mia_dual.errors import ConfigError
from mia_dual.execution import Execution
from mia_dual.measure import attacks_bench
from mia_dual.measure.attacks_bench import MEASURED, Table, attacks_of, measure_attacks, write_table

SMALL = ["--references", "5", "--records", "2000", "--classes", "3", "--rounds", "1"]


@pytest.fixture
def here(monkeypatch):
    """Measured in this process, since no timing is looked at."""
    monkeypatch.setattr(attacks_bench, "in_own_process", lambda task, *given: task(*given))


def test_families_are_measured_as_json(here):
    asked = ["--family", "loss", "--family", "lira", "--memory", "10kB"]
    done = CliRunner().invoke(app, ["bench", "--attacks", *asked, *SMALL, "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["table"] == {
        "references": 5, "records": 2000, "classes": 3, "population": 1000,
        "bytes": 6 * 3000 * 3 * 4,
    }  # fmt: skip
    names = ["loss", "lira_online", "lira_offline"]
    assert [entry["attack"] for entry in found["measured"]] == names
    for entry in found["measured"]:
        taken = entry["seconds_signal"] + entry["seconds_score"]
        assert entry["times_reading"] == pytest.approx(taken / entry["seconds_reading"])
        # Scores and memberships at least.
        assert entry["peak_bytes"] > 2000 * (8 + 5)


def test_every_attack_on_records_can_be_measured(here):
    names = attacks_of(MEASURED)
    assert {"loss", "attack_p", "attack_r", "rmia_online", "base", "pmia"} < set(names)
    table = Table(references=4, records=500, classes=3, population=200)
    assert [speed.attack for speed in measure_attacks(names, table, Execution(), 1)] == names


def test_the_table_is_as_answers_are_stored(tmp_path):
    table = Table(references=2, records=50, classes=4, population=10)
    write_table(tmp_path, table)
    files = [np.load(tmp_path / f"{model}.npy", mmap_mode="r") for model in ("0", "1", "target")]
    assert all((file.shape, file.dtype) == ((60, 4), np.float32) for file in files)
    assert sum(file.nbytes for file in files) == table.bytes
    assert not np.array_equal(files[0], files[1])


def test_a_table_without_room_is_refused(monkeypatch):
    with pytest.raises(ConfigError, match=r"no family 'lyra' .* choose of loss"):
        attacks_of(["lira", "lyra"])
    monkeypatch.setattr(attacks_bench, "write_table", lambda *_: pytest.fail("was written"))
    with pytest.raises(ConfigError, match=r"4e\+09 GB of logits to .* fewer --references"):
        list(measure_attacks(["loss"], Table(10**6 - 1, 10**8, 10**4), Execution(), 1))
