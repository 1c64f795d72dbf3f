"""Runs that are killed at any moment go on as if nothing had been, and leave nothing behind."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import yaml

from mia_dual.store.keys import moments_key
from mia_dual.store.objects import Store
from tests.pipeline.conftest import SMALL
from tests.soak.processes import MARK, PROC, abandoned_memory, processes, takes, workers_of

pytestmark = pytest.mark.skipif(
    not (PROC / "self" / "environ").exists(), reason="processes are found by Linux's /proc"
)

SETTINGS = {
    **SMALL,
    "target": {**SMALL["target"], "epochs": 20},
    "attack": {"models": ["logistic_regression"]},
    "deletion": {"ratios": [0.1]},
}

RUNS = {
    "torch": ["--backend", "torch"],
    "mindspore": ["--backend", "mindspore"],
    "ray": ["--backend", "torch", "--engine", "ray"],
}

HOW = {signal.SIGTERM: {143}, signal.SIGINT: {130, -signal.SIGINT}, signal.SIGKILL: {-9}}
"""Signal -> exit codes of a run that it ends, as a shell or as the system tells them. Python
itself ends by the signal where an interrupt came while it was importing something.
"""

PATIENCE = 60
"""Seconds after which nothing of a run may be left."""

LIMIT = 180
"""Seconds after which a run hangs."""


class Run:
    """``mia-dual run`` in ``folder``, in processes of its own that are found again."""

    def __init__(self, folder, options):
        self.mark = uuid.uuid4().hex
        (folder / "t").mkdir(exist_ok=True)
        self.complaints = (folder / "complaints").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mia_dual", "run", "-c", "small.yaml", "--no-page", "--out",
             "run", "--store", "store", "--workers", "2", *options],
            cwd=folder,
            env={**os.environ, MARK: self.mark, "TMPDIR": str(folder / "t"), "COLUMNS": "200"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=self.complaints,
            start_new_session=True,
        )  # fmt: skip

    def ends(self, seconds=LIMIT):
        """Its exit code, once it has ended; None where it has not within so many ``seconds``."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None

    def said(self):
        """What it said on its standard error."""
        self.complaints.seek(0)
        return self.complaints.read()

    def workers(self):
        return workers_of(self.mark, self.process.pid)

    def left(self):
        """Its processes that are left, once there are none or the time for it is over."""
        deadline = time.monotonic() + PATIENCE
        while left := processes(self.mark, self.process.pid):
            if time.monotonic() > deadline:
                break
            time.sleep(0.05)
        return left


def begin(folder):
    folder.mkdir()
    (folder / "small.yaml").write_text(yaml.safe_dump(SETTINGS))
    return folder


def results(folder):
    return (folder / "run" / "results.json").read_bytes()


def finished(store):
    """Each object that is there whole and stays, and what shows whether it was written again.

    Moments are there before their model is, and without it they are made again.
    """
    entries = {}
    for entry in store.glob("objects/*/*.entry"):
        said = json.loads(entry.read_text().partition(" ")[2])
        if not said["passing"]:
            entries[entry] = said
    waited_for = {moments_key(said["key"]) for said in entries.values() if said["kind"] == "model"}
    found = {}
    for entry, said in entries.items():
        if said["kind"] != "moments" or said["key"] in waited_for:
            (file,) = (one for one in entry.parent.glob(f"{entry.stem}.*") if one != entry)
            found[file] = (file.stat().st_mtime_ns, file.stat().st_ino)
    return found


def written_again(before):
    return [file for file, was in before.items()
            if file.exists() and (file.stat().st_mtime_ns, file.stat().st_ino) != was]  # fmt: skip


class Lives:
    """Lives of runs: each is one run that is killed again and again, until it ends by itself."""

    def __init__(self, folder, options, rng):
        self.folder, self.options, self.rng = folder, options, rng
        alone = begin(folder / "alone")
        began = time.monotonic()
        run = Run(alone, options)
        assert run.ends() == 0, run.said()
        self.seconds = time.monotonic() - began
        assert not run.left()
        self.expected = results(alone)
        self.kills = Counter()
        self.lives = 0
        self.objects = 0

    def kill(self, count):
        """Go on until there were so many kills, and the run that suffered the last has ended."""
        abandoned = abandoned_memory()
        while self.kills.total() < count:
            self._live(begin(self.folder / f"life-{self.lives}"), count)
            self.lives += 1
        assert abandoned_memory() <= abandoned

    def _live(self, folder, count):
        done = {}
        while True:
            done |= finished(folder / "store")
            run = Run(folder, self.options)
            struck = self._strike(run) if self.kills.total() < count else None
            code, said = run.ends(), run.said()
            where = f"{folder.name}, {struck} of {sum(self.kills.values())}: {code} {said}"
            assert code is not None, f"it hangs: {where}"
            assert not (left := run.left()), f"{left}: {where}"
            assert not written_again(done), where
            # Before Python is up, it says what it likes.
            assert struck is None or not struck[2] or self._is_plain(said), where
            if code == 0:
                break
            assert struck is not None, where
            target, how, was_ready = struck
            self._check_end(target, how, was_ready, code, said, where)
        assert results(folder) == self.expected, where
        self.objects += len(done)
        self._check_folder(folder)

    def _strike(self, run):
        """Kill the run or a worker: which, how, and whether it was set up; None: it had ended."""
        if run.ends(self.rng.uniform(0, self.seconds)) is not None:
            return None
        workers = run.workers()
        how = [signal.SIGTERM, signal.SIGKILL, signal.SIGINT][self.rng.integers(3)]
        target, number = "parent", run.process.pid
        if workers and self.rng.random() < 0.5:
            target, number = "worker", workers[self.rng.integers(len(workers))]
        was_ready = takes(number, signal.SIGTERM)
        try:
            os.kill(number, how)
        except ProcessLookupError:
            return None
        self.kills[f"{how.name[3:]}_{target}"] += 1
        return target, how, was_ready

    def _is_plain(self, said):
        """Whether it is one line at most; Ray tells of its workers, too."""
        own = [line for line in said.splitlines() if line.startswith("mia-dual: ")]
        return (
            "Traceback" not in said
            and len(own) <= 1
            and ("ray" in self.options or own == said.splitlines())
        )

    def _check_end(self, target, how, was_ready, code, said, where):
        if target == "worker":
            assert code == 2, where
            assert said.splitlines()[-1].startswith("mia-dual: "), where
        elif was_ready:
            assert code in HOW[how], where
            if how != signal.SIGKILL:
                assert said.endswith("the same command goes on where it stopped\n"), where

    def _check_folder(self, folder):
        """Nothing but what a run makes is there."""
        assert not list((folder / "t").iterdir())
        assert not list((folder / "run").rglob("*.partial"))
        for partial in (folder / "store").rglob("*.partial"):
            # As it will be in a day: others may be writing to a store.
            os.utime(partial, (0, 0))
        store = Store(folder / "store")
        needed = store.referred()
        # A run that was killed once its target was asked in passing leaves what it was asked of.
        assert all(entry.passing for entry in store if entry.key not in needed)
        store.prune()
        assert not list((folder / "store").rglob("*.partial"))


@pytest.fixture
def short_path():
    """A folder with room for the names of Ray's sockets below."""
    with tempfile.TemporaryDirectory(prefix="k-") as folder:
        yield Path(folder)


@pytest.mark.parametrize(
    ("name", "count", "seed"),
    [
        ("torch", 2, 0),
        pytest.param("torch", 45, 1, marks=pytest.mark.soak),
        pytest.param("mindspore", 30, 2, marks=pytest.mark.soak),
        pytest.param("ray", 25, 3, marks=pytest.mark.soak),
    ],
)
def test_a_run_that_is_killed_at_any_moment_goes_on(short_path, figures, name, count, seed):
    pytest.importorskip(name)
    began = time.monotonic()
    lives = Lives(short_path, RUNS[name], np.random.default_rng(seed))
    lives.kill(count)
    figures(
        **dict(sorted(lives.kills.items())),
        lives=lives.lives,
        undisturbed_s=round(lives.seconds, 1),
        objects_found_finished=lives.objects,
        written_again=0,
        left=0,
        seconds=round(time.monotonic() - began),
    )
