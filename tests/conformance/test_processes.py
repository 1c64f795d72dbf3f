"""The processes that backends compute in: nothing of them stays, and they move no bit."""

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
from mia_dual.processes.shared import mapped_file
from mia_dual.registry import load_backend
from mia_dual.testing import example_job, example_records, example_spec, train

LONG = """
import sys
from mia_dual.execution import Execution
from mia_dual.registry import load_backend
from mia_dual.testing import example_job, example_records, example_spec, train
backend = load_backend(sys.argv[1], "cpu", Execution(workers=2))
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
@pytest.mark.parametrize(("framework", "count"), [("mindspore", 2), ("torch", 1)])
def test_after_kill_9_neither_a_process_nor_a_folder_stays(framework, count, tmp_path):
    pytest.importorskip(framework)
    caller = subprocess.Popen(
        [sys.executable, "-c", LONG, framework],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stderr=subprocess.DEVNULL,
    )
    workers = []
    deadline = time.monotonic() + 120
    while len(workers) < count:
        assert caller.poll() is None
        assert time.monotonic() < deadline, f"no {count} workers within two minutes"
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


@pytest.fixture
def torch_backend(monkeypatch):
    """PyTorch on two workers, and what is sent to the one that is another process."""
    pytest.importorskip("torch")
    from mia_dual_torch import training

    orders = []
    do = training.CREW.do
    monkeypatch.setattr(
        training.CREW, "do", lambda tasks, *more: orders.extend(tasks) or do(tasks, *more)
    )
    backend = load_backend("torch", "cpu", Execution(workers=2))
    backend.orders = orders
    return backend


@pytest.mark.parametrize("network", ["fcnet", "resnet18"])
def test_a_model_of_another_process_has_the_bits_it_has_here(network, torch_backend):
    spec = example_spec(network)
    # The first is long enough for the other process to take the rest meanwhile.
    jobs = [
        example_job(torch_backend, spec, name, epochs=epochs)
        for name, epochs in (("long", 600 if network == "fcnet" else 40), ("b", 2), ("c", 3))
    ]
    told = []
    found = {
        state.name: state.state
        for state in torch_backend.train(
            spec, Optimizer("sgd"), jobs, example_records(spec), told.append
        )
    }
    assert torch_backend.orders
    assert sum(told) == sum(len(job.batches) for job in jobs)
    alone = load_backend("torch", "cpu", Execution(workers=1))
    for job in jobs:
        here = train(alone, spec, [job], example_records(spec), Optimizer("sgd"))[job.name]
        for name, array in here.weights.items():
            np.testing.assert_array_equal(found[job.name].weights[name], array)


def test_who_stops_early_or_fails_frees_the_other_process(torch_backend):
    spec = example_spec("fcnet")
    records = example_records(spec)
    jobs = [example_job(torch_backend, spec, name, epochs=50) for name in "abcd"]
    states = torch_backend.train(spec, Optimizer("sgd"), jobs, records, lambda steps: None)
    next(states)
    states.close()
    wild = example_job(torch_backend, spec, "wild", epochs=60, rate=1e30)
    for beside in (jobs[:1], []):
        with pytest.raises(DivergedError, match="'wild'"):
            train(torch_backend, spec, [*beside, wild], records)
    assert train(torch_backend, spec, jobs, records).keys() == set("abcd")


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
