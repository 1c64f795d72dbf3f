"""What ``bench --attacks`` measures and prints; no timing is asserted."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from mia_dual.cli.app import app
from mia_dual.errors import ConfigError
from mia_dual.measure import attacks_bench
from mia_dual.measure.attacks_bench import ATTACKS, Table, measure_attacks, write_table

SMALL = ["--references", "5", "--records", "2000", "--classes", "3", "--rounds", "1"]


def test_every_attack_is_measured_as_json():
    done = CliRunner().invoke(app, ["bench", "--attacks", *SMALL, "--memory", "1MB", "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["table"] == {
        "references": 5, "records": 2000, "classes": 3, "bytes": 6 * 2000 * 3 * 4,
    }  # fmt: skip
    assert [entry["attack"] for entry in found["measured"]] == list(ATTACKS)
    for entry in found["measured"]:
        assert entry["seconds"] > 0
        assert entry["times_reading"] == pytest.approx(entry["seconds"] / entry["seconds_reading"])
        # Scores, labels and memberships at least; and what was asked for at most.
        assert 2000 * (8 + 8 + 5) < entry["peak_bytes"] < 1e6


def test_the_table_is_as_answers_are_stored(tmp_path):
    table = Table(references=2, records=50, classes=4)
    write_table(tmp_path, table)
    files = [np.load(tmp_path / f"{model}.npy", mmap_mode="r") for model in range(3)]
    assert all((file.shape, file.dtype) == ((50, 4), np.float32) for file in files)
    assert sum(file.nbytes for file in files) == table.bytes
    assert not np.array_equal(files[0], files[1])


def test_a_table_without_room_is_refused(monkeypatch):
    def ask(names, table):
        return list(measure_attacks(names, table, memory=None, workers=None, rounds=1))

    with pytest.raises(ConfigError, match="no attack 'lyra': choose of threshold"):
        ask(["lyra"], Table(1, 1, 2))
    monkeypatch.setattr(attacks_bench, "write_table", lambda *_: pytest.fail("was written"))
    with pytest.raises(ConfigError, match=r"4e\+09 GB of logits to .* fewer --references"):
        ask(["threshold"], Table(10**6 - 1, 10**8, 10**4))
