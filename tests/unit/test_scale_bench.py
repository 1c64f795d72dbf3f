"""What ``bench --plan`` and ``bench --store`` measure and print; no timing is asserted."""

import json
import tempfile

import pytest
from typer.testing import CliRunner

from mia_dual.cli.app import app
from mia_dual.measure import plan_bench


def bench(*asked):
    done = CliRunner().invoke(app, ["bench", *asked, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_a_plan_is_drawn_written_and_read(monkeypatch):
    monkeypatch.setattr(plan_bench, "in_own_process", lambda task, *given: task(*given))
    found = bench("--plan", "--models", "6", "--records", "2000")
    assert (found["models"], found["records"]) == (6, 2000)
    steps = {step["step"]: step for step in found["steps"]}
    assert list(steps) == ["draw", "plan.json", "plan.npz", "read plan.npz"]
    # Members, and what is asked, of each model.
    assert steps["plan.npz"]["bytes"] > 6 * 8 * (1000 + 1900)
    assert steps["read plan.npz"]["bytes"] == steps["plan.npz"]["bytes"]


def test_a_store_is_filled_listed_and_pruned(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    found = bench("--store", "--objects", "50")
    assert found["objects"] == 50
    assert [step["step"] for step in found["steps"]] == [
        "put", "refer", "find", "list", "verify", "prune",
    ]  # fmt: skip
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("option", "value"), [("--models", "3"), ("--records", "999")])
def test_a_plan_too_small_to_draw_is_a_line(option, value):
    done = CliRunner().invoke(app, ["bench", "--plan", option, value])
    assert done.exit_code != 0
    assert f"{option} {value}" in done.output + str(done.exception)
