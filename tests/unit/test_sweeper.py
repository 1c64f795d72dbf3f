"""A temporary folder goes with the process that made it."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mia_dual.engines import sweeper
from mia_dual.engines.sweeper import SweptFolder

MADE_AND_KILLED = """
import os, signal, sys
from pathlib import Path
from mia_dual.engines.sweeper import SweptFolder
made = SweptFolder()
Path(made.path, "log").write_text("begun")
print(made.path, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_it_is_removed_at_once_where_that_is_asked():
    made = SweptFolder()
    Path(made.path, "log").write_text("begun")
    made.remove()
    made.remove()
    assert not Path(made.path).exists()


@pytest.mark.skipif(os.name == "nt", reason="signals are Unix's")
def test_it_is_removed_where_its_process_was_killed():
    killed = subprocess.run(
        [sys.executable, "-c", MADE_AND_KILLED], capture_output=True, text=True, check=False
    )
    folder = Path(killed.stdout.strip())
    assert folder.is_absolute(), killed.stderr
    deadline = time.monotonic() + 30
    while folder.exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="open files are Linux's to tell")
def test_who_still_has_files_there_after_a_while_is_ended(tmp_path, monkeypatch):
    monkeypatch.setattr(sweeper, "GRACE", 0.1)
    log = tmp_path / "swept" / "log"
    log.parent.mkdir()
    with subprocess.Popen(["sleep", "120"], stdout=log.open("w")) as left:
        monkeypatch.setattr(sweeper.os, "read", lambda _descriptor, _count: b"")
        sweeper.sweep(log.parent)
        assert left.wait(10) == -9
    assert not log.parent.exists()
