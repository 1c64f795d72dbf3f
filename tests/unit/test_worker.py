"""A process that computes, once nobody is left who wants to know."""

import json
import os
import pickle
import subprocess
import sys

import pytest

from mia_dual.processes.crew import START
from mia_dual.processes.worker import Order

WORKSHOP = """
import time

class Records:
    def open(self):
        return None

class Workshop:
    def do(self, task, records, report):
        for number in range(1000):
            time.sleep(0.01)
            yield number

def begin(device):
    return Workshop()
"""


def test_a_worker_whose_caller_hears_no_more_ends_in_silence_and_takes_the_folder_away(
    tmp_path, monkeypatch
):
    (tmp_path / "counting.py").write_text(WORKSHOP)
    monkeypatch.syspath_prepend(tmp_path)
    from counting import Records

    (folder := tmp_path / "folder").mkdir()
    worker = subprocess.Popen(
        [sys.executable, "-c", START, json.dumps(sys.path), "numpy", "counting:begin",
         str(folder), "", "cpu"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    pickle.dump(Order(None, Records(), sys.path), worker.stdin)
    worker.stdin.flush()
    assert pickle.load(worker.stdout)[1] == 0  # noqa: S301
    worker.stdout.close()
    # What it says next finds nobody. It is there still, until it is told that its caller has gone.
    with pytest.raises(subprocess.TimeoutExpired):
        worker.wait(1)
    worker.stdin.close()
    assert worker.wait(10) == 0
    assert worker.stderr.read() == b""
    assert not os.path.exists(folder)
