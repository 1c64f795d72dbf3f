"""Temporary folders of Ray's: those of living processes stay, those of killed ones go."""

import subprocess
import sys

import pytest

from mia_dual.engines.scratch import Scratch

pytest.importorskip("fcntl")

KILLED = """
import os, signal
from mia_dual.engines.scratch import Scratch
(Scratch().path / "log").touch()
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_goes_with_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    mine = Scratch()
    subprocess.run(
        [sys.executable, "-c", f"import tempfile; tempfile.tempdir = {str(tmp_path)!r}{KILLED}"],
        check=False,
        timeout=60,
    )
    assert len(left := list(tmp_path.iterdir())) == 2
    other = Scratch()
    assert set(tmp_path.iterdir()) == {mine.path, other.path} != set(left)
    for scratch in (mine, other, other):
        scratch.remove()
    assert not list(tmp_path.iterdir())
