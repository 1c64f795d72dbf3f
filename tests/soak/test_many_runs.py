"""Many runs at once on one store, and many in a row in one process."""

import gc
import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import yaml

from tests.command_line import called_here
from tests.soak.processes import PROC, open_files, resident_bytes
from tests.soak.test_kills import LIMIT, SETTINGS, finished

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(
        not (PROC / "self" / "statm").exists(), reason="memory is counted by Linux's /proc"
    ),
]

GROWTH = 0.05
"""Of what a process holds: later runs are like earlier ones, and freed memory is used again, but
in other pieces, which takes some room.
"""


@pytest.fixture
def place(tmp_path):
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(SETTINGS))
    return tmp_path


def started(place, out, store, *more):
    return subprocess.Popen(
        [sys.executable, "-m", "mia_dual", "run", "-c", "small.yaml", "--no-page", "--out", out,
         "--store", store, "--workers", "1", *more],
        cwd=place,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip


def ended(run):
    """Its exit code, and what it said on its standard error."""
    said = run.communicate(timeout=LIMIT * 4)[1]
    return run.returncode, said


def trained(folder):
    """The names of models that the run in ``folder`` trained."""
    lines = map(json.loads, (folder / "log.jsonl").read_text().splitlines())
    return [name for line in lines if line["event"] == "train" for name in line["models"]]


@pytest.mark.parametrize("count", [2, 8])
def test_runs_at_once_on_one_store_find_what_each_finds_alone(place, figures, count):
    # Some are of one config, the others have seeds of their own.
    seeds = [0] * max(2, count // 2)
    seeds += range(1, count - len(seeds) + 1)
    began = time.monotonic()
    runs = [
        started(place, f"run-{place_}", "shared", "--seed", str(seed))
        for place_, seed in enumerate(seeds)
    ]
    for run in runs:
        assert ended(run) == (0, "")
    together = time.monotonic() - began
    for seed in set(seeds):
        assert ended(started(place, f"alone-{seed}", f"store-{seed}", "--seed", str(seed)))[0] == 0
    for place_, seed in enumerate(seeds):
        found = (place / f"run-{place_}" / "results.json").read_bytes()
        assert found == (place / f"alone-{seed}" / "results.json").read_bytes()
    verified = called_here(["store", "verify", "--store", "shared"], place, {})
    assert verified.returncode == 0, verified.stdout
    kept = {file.name for file in finished(place / "shared")}
    alone = {file.name for seed in set(seeds) for file in finished(place / f"store-{seed}")}
    assert kept == alone
    models = sum(len(trained(place / f"alone-{seed}")) for seed in set(seeds))
    figures(
        runs=count,
        models=models,
        trained=sum(len(trained(place / f"run-{place_}")) for place_ in range(count)),
        damaged=0,
        seconds=round(together, 1),
    )


def test_of_two_runs_on_one_folder_one_is_refused(place):
    first, second = (started(place, "run", "store") for _ in range(2))
    (code, said), (other, complaint) = sorted([ended(first), ended(second)])
    assert (code, said) == (0, "")
    assert other == 2
    (line,) = complaint.splitlines()
    assert "in use by another run" in line
    assert (place / "run" / "results.json").exists()


@pytest.mark.parametrize(("backend", "count"), [("torch", 24), ("mindspore", 8)])
def test_runs_in_a_row_take_no_more_than_the_first_ones(
    place, figures, monkeypatch, backend, count
):
    pytest.importorskip(backend)
    (place / "tmp").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(place / "tmp"))
    settled = count // 4
    held, descriptors, threads, scratch = [], [], [], []
    for seed in range(count):
        done = called_here(
            ["run", "-c", "small.yaml", "--no-page", "--out", f"run-{seed}", "--store", "store",
             "--seed", str(seed), "--backend", backend, "--workers", "2"],
            place, {},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        gc.collect()
        held.append(resident_bytes())
        descriptors.append(open_files())
        threads.append(threading.active_count())
        scratch.append(sorted(file for file in (place / "tmp").rglob("*")))
    assert len(descriptors[-1]) == len(descriptors[settled - 1]), descriptors[-1]
    assert threads[-1] == threads[settled - 1]
    assert scratch[-1] == scratch[settled - 1]
    assert held[-1] <= held[settled - 1] * (1 + GROWTH), held
    pruned = called_here(["store", "prune", "--store", "store"], place, {})
    assert pruned.stdout.startswith("removed 0 objects"), pruned.stdout
    assert not list(place.rglob("*.partial"))
    figures(
        runs=count,
        early_MiB=held[settled - 1] >> 20,
        last_MiB=held[-1] >> 20,
        descriptors=len(descriptors[-1]),
        threads=threads[-1],
        store_MiB=sum(file.stat().st_size for file in Path(place / "store").rglob("*")) >> 20,
    )
