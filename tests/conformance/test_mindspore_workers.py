"""The processes that MindSpore computes in: nothing of them stays, and nothing else imports it."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from mia_dual.errors import DivergedError
from mia_dual.execution import Execution
from mia_dual.interface import Optimizer
from mia_dual.registry import load_backend
from mia_dual.testing import example_job, example_records, example_spec, train
from mia_dual_mindspore.shared import mapped_file

LONG = """
from mia_dual.execution import Execution
from mia_dual.registry import load_backend
from mia_dual.testing import example_job, example_records, example_spec, train
backend = load_backend("mindspore", "cpu", Execution(workers=2))
spec = example_spec("convnet")
jobs = [example_job(backend, spec, name, epochs=5000) for name in "abcd"]
train(backend, spec, jobs, example_records(spec))
"""

SHORT = """
import sys
from mia_dual.registry import load_backend
from mia_dual.testing import ask, example_job, example_records, example_spec, train
backend = load_backend("mindspore", "cpu")
backend.environment()
spec = example_spec("fcnet")
model = train(backend, spec, [example_job(backend, spec)], example_records(spec))["a"]
ask(backend, spec, [model.weights], example_records(spec))
print("mindspore" in sys.modules)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 on this system")
def test_after_kill_9_neither_a_process_nor_a_folder_stays(tmp_path):
    caller = subprocess.Popen(
        [sys.executable, "-c", LONG],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stderr=subprocess.DEVNULL,
    )
    workers = []
    deadline = time.monotonic() + 120
    while len(workers) < 2:
        assert caller.poll() is None
        assert time.monotonic() < deadline, "no two workers within two minutes"
        time.sleep(0.1)
        workers = [
            int(worker)
            for register in tmp_path.glob("mia-dual-*/cores")
            for worker in register.read_text().split()
        ]
    caller.kill()
    caller.wait()
    deadline = time.monotonic() + 10
    while (left := [worker for worker in workers if lives(worker)]) or list(tmp_path.iterdir()):
        assert time.monotonic() < deadline, (left, list(tmp_path.iterdir()))
        time.sleep(0.1)


def lives(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{process}/stat", encoding="ascii") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"


def test_the_calling_process_never_imports_mindspore():
    done = subprocess.run(
        [sys.executable, "-c", SHORT], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["False"]


def test_a_mindspore_that_does_not_import_is_said_in_a_line(tmp_path):
    (tmp_path / "mindspore.py").write_text("raise ImportError('a library\\nis missing')")
    done = subprocess.run(
        [sys.executable, "-c", SHORT],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    last = done.stderr.strip().splitlines()[-1]
    assert "BackendError: backend 'mindspore' does not start here (a library is missing)" in last


def test_a_worker_says_whose_loss_is_no_number_and_the_next_call_works():
    backend = load_backend("mindspore", "cpu", Execution(workers=2))
    spec = example_spec("fcnet")
    jobs = [
        example_job(backend, spec, "calm"),
        example_job(backend, spec, "wild", epochs=60, rate=1e30),
    ]
    with pytest.raises(DivergedError, match="'wild'"):
        train(backend, spec, jobs, example_records(spec))
    assert train(backend, spec, jobs[:1], example_records(spec)).keys() == {"calm"}


def test_steps_are_reported_from_all_workers():
    backend = load_backend("mindspore", "cpu", Execution(workers=2))
    spec = example_spec("fcnet")
    jobs = [example_job(backend, spec, name, epochs=30) for name in "abc"]
    told = []
    for _ in backend.train(spec, Optimizer("sgd"), jobs, example_records(spec), told.append):
        pass
    assert sum(told) == sum(len(job.batches) for job in jobs)


def test_a_call_within_a_call_has_workers_of_its_own():
    backend = load_backend("mindspore", "cpu")
    spec = example_spec("fcnet")
    records = example_records(spec)
    jobs = [example_job(backend, spec, name, epochs=9) for name in "ab"]
    for state in backend.train(spec, Optimizer("sgd"), jobs, records, lambda steps: None):
        rows = np.arange(5)[None]
        logits = backend.logits(spec, [state.state.weights], records, rows)
        assert np.isfinite(logits).all()


def test_what_a_user_set_is_kept_and_told(monkeypatch):
    backend = load_backend("mindspore", "cpu")
    usual = backend.environment()
    monkeypatch.setenv("ONEDNN_MAX_CPU_ISA", "SSE41")
    assert backend.environment() == {**usual, "instructions": "SSE41"}
    assert os.environ["ONEDNN_MAX_CPU_ISA"] == "SSE41"


def test_mapped_records_are_shared_by_their_own_file(tmp_path):
    file = tmp_path / "features.npy"
    np.save(file, np.arange(24, dtype=np.float32).reshape(6, 4))
    whole = np.load(file, mmap_mode="r")
    assert mapped_file(whole) == file
    assert mapped_file(whole[:]) == file
    for other in (whole[1:], whole[::-1], whole.T, whole[np.arange(6)], whole.copy(), whole + 1,
                  np.load(file), np.load(file, mmap_mode="c")):  # fmt: skip
        assert mapped_file(other) is None
