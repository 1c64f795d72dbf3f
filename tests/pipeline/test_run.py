"""The whole audit on both backends: what it writes, and that it never does a thing twice."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import safetensors.numpy
import yaml

from mia_dual.report.results import Results

BACKENDS = ["torch", "mindspore"]


def events(folder, kind):
    lines = (folder / "log.jsonl").read_text().splitlines()
    return [line for line in map(json.loads, lines) if line["event"] == kind]


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_writes_what_the_documents_promise(cli, small_config, tmp_path, backend):
    done = cli("run", "-c", small_config, "--backend", backend, "--out", "run")
    assert done.returncode == 0, done.stderr
    assert "AUC of deleted records by" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("run: results.json holds")
    run = tmp_path / "run"

    results = Results.model_validate_json((run / "results.json").read_text())
    assert results.schema_version == 3
    assert results.backend == backend
    assert results.target.train_accuracy > results.target.test_accuracy > 0.7
    for attack in results.attacks.values():
        assert attack.members == attack.non_members > 100
        assert len(attack.per_class) == 10
        assert attack.members == sum(row.members for row in attack.per_class)
        assert 0.5 < attack.auc < 1
    assert [(entry.request, entry.method) for entry in results.deletion] == [
        ("10%", "full"), ("10%", "grouped"), ("classes", "full"), ("classes", "grouped"),
    ]  # fmt: skip
    for entry in results.deletion:
        assert entry.deleted + entry.retained == 150
        assert entry.train_accuracy_before > 0.5
    ten_percent, _, whole_class, _ = results.deletion
    assert ten_percent.deleted == 15
    assert ten_percent.deleted_accuracy_before == 1.0
    # A class nobody was trained on is never predicted.
    assert whole_class.deleted_accuracy == 0.0
    success = ten_percent.attacks["shadow_fcnet"].deleted
    assert success.before.members == success.after.members > 0

    assert yaml.safe_load((run / "config.yaml").read_text())["backend"] == backend
    recorded = json.loads((run / "environment.json").read_text())
    assert recorded["environment"]["framework"] == backend
    plan = np.load(run / "plan.npz")
    assert len(np.intersect1d(plan["target_members"], plan["shadow_pool"])) == 0
    assert len(plan["deleted/10pct"]) == 15
    names = list(json.loads((run / "plan.json").read_text())["models"])
    assert {"target", "shadow-02", "group-02", "full-10pct"} <= set(names)
    models = {file.stem for file in (run / "models").iterdir()}
    assert models == {*names, *(f"attack-{label}" for label in range(10))}
    for name in names:
        asked = plan[f"asked/{name}"]
        assert np.load(run / "answers" / f"{name}.npy").shape == (len(asked), 10)
    scores = np.load(run / "scores.npz")
    assert scores["shadow_fcnet"].shape == (len(scores["versions"]), len(scores["rows"]))
    costs = json.loads((run / "cost.json").read_text())
    assert all(cost["seconds"] > 0 for cost in costs["deletion"])


@pytest.mark.parametrize("backend", BACKENDS)
def test_one_config_gives_the_same_bytes_and_trains_once(cli, small_config, tmp_path, backend):
    command = ["run", "-c", small_config, "--backend", backend]
    # A process of its own, too: what it hashes stands in another order.
    for out, env in (("one", None), ("two", {}), ("one", None)):
        done = cli(*command, "--out", out, "--store", f"store-{out}", env=env)
        assert done.returncode == 0, done.stderr
    one, two = ((tmp_path / out / "results.json").read_bytes() for out in ("one", "two"))
    assert one == two
    for kind in ("train", "ask", "attack"):
        first_done = events(tmp_path / "one", "done")[0]["time"]
        assert all(line["time"] < first_done for line in events(tmp_path / "one", kind)), kind
    # Once more: what nothing changed is not written again, what was damaged is.
    files = [tmp_path / "one" / name for name in ("results.json", "scores.npz", "plan.json")]
    as_written = [file.read_bytes() for file in files]
    files[0].write_bytes(one.replace(b"0.", b"1.", 1))
    for out in ("one", "one"):
        stamps = [file.stat().st_mtime_ns for file in files]
        assert cli(*command, "--out", out, "--store", f"store-{out}").returncode == 0
        assert [file.read_bytes() for file in files] == as_written
        kept = [file.stat().st_mtime_ns for file in files] == stamps
    assert kept
    done = events(tmp_path / "one", "done")
    assert len(done) == 4
    # An interpreter takes some megabytes at least.
    assert all(line["peak_memory"] > 1e7 for line in done)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_run_with_nothing_to_train_imports_no_framework(cli, small_config, tmp_path, backend):
    command = ["run", "-c", small_config, "--backend", backend, "--out", "run"]
    assert cli(*command).returncode == 0
    first = (tmp_path / "run" / "results.json").read_bytes()
    (tmp_path / "run" / "results.json").unlink()
    # Importing any of these ends the process.
    traps = tmp_path / "traps"
    traps.mkdir()
    for module in ("torch", "torchvision", "mindspore", "sklearn", "joblib"):
        (traps / f"{module}.py").write_text(f"raise SystemExit('{module} was imported')\n")
    done = cli(*command, env={"PYTHONPATH": str(traps)})
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "run" / "results.json").read_bytes() == first


def test_a_second_run_over_one_store_trains_what_is_new(cli, small_config, tmp_path):
    command = ["run", "-c", small_config, "--store", "store"]
    assert cli(*command, "--out", "run").returncode == 0
    assert cli(*command, "--set", "shadows.count=4", "--out", "more").returncode == 0
    models, attack_models = (line["models"] for line in events(tmp_path / "more", "train"))
    assert models == ["shadow-03"]
    assert len(attack_models) == 10


def test_weights_of_a_run_load_in_the_other_backend(cli, small_config, tmp_path):
    from mia_dual.data.load import load_dataset
    from mia_dual.interface import NetworkSpec, Records
    from mia_dual.registry import load_backend

    assert cli("run", "-c", small_config, "--backend", "mindspore", "--out", "run").returncode == 0
    weights = safetensors.numpy.load_file(tmp_path / "run" / "models" / "target.safetensors")
    stored = np.load(tmp_path / "run" / "answers" / "target.npy")
    rows = np.load(tmp_path / "run" / "plan.npz")["asked/target"]
    dataset = load_dataset("digits")
    records = Records(dataset.features, dataset.labels, 1 / 127.5, -1.0)
    spec = NetworkSpec("fcnet", (1, 8, 8), 10, hidden=64)
    logits = load_backend("torch").logits(spec, [weights], records, rows[None])[0]
    assert np.abs(logits - stored).max() <= 1e-4


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="no process groups on this system")
def test_ctrl_c_ends_the_training_processes_too(small_config, tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "mia_dual", "run", "-c", str(small_config), "--out", "run",
         "--backend", "mindspore", "--workers", "2", "--set", "target.epochs=9000"],
        cwd=tmp_path,
        env={**os.environ, "COLUMNS": "80", "TMPDIR": str(tmp_path)},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    deadline = time.monotonic() + 120
    while len(taken := _cores_taken(tmp_path)) < 2:
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline, "no process trained within two minutes"
        time.sleep(0.1)
    os.killpg(process.pid, signal.SIGINT)
    _, complaint = process.communicate(timeout=60)
    assert process.returncode == 130
    assert complaint.strip().splitlines() == [
        "mia-dual: interrupted; the same command goes on where it stopped"
    ]
    assert not list(tmp_path.glob("mia-dual-*"))
    for worker in taken:
        with pytest.raises(ProcessLookupError):
            os.kill(int(worker), 0)


def _cores_taken(folder):
    """The training processes at work, who write down who takes which core."""
    return [
        process
        for register in folder.glob("mia-dual-*/cores")
        for process in register.read_text().split()
    ]


def test_a_users_records_and_network_are_audited(cli, small_config, tmp_path):
    rng = np.random.default_rng(0)
    labels = np.arange(800) % 4
    x = (rng.normal(size=(800, 12)) + labels[:, None] * 0.4).astype(np.float32)
    np.savez(tmp_path / "mine.npz", x=x, y=labels)
    (tmp_path / "mynets.py").write_text(
        "from torch import nn\n"
        "def make(input_shape, classes):\n"
        "    return nn.Sequential(nn.Linear(input_shape[0], 30), nn.Tanh(),"
        " nn.Linear(30, classes))\n"
    )
    done = cli(
        "run", "-c", small_config, "--set", "data={name: npz, file: mine.npz}",
        "--set", "target.network=mynets:make", "--set", "deletion.classes=[1]", "--out", "run",
        env={"PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["data"]["classes"] == 4
    assert results["data"]["shape"] == [12]
