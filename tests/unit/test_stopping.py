"""What a signal does to a process, by how far its command is."""

import signal
import subprocess
import sys

import pytest

LATE = """
import os, signal, time
from mia_dual.stopping import PROCESS

PROCESS.listen()
with PROCESS.at_work(), PROCESS.busy():
    os.kill(os.getpid(), signal.SIGTERM)
# As Python does on the way out.
signal.signal(signal.SIGALRM, signal.SIG_DFL)
time.sleep(0.2)
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="nothing is put off without a timer")
def test_a_signal_that_was_put_off_to_after_the_end_changes_nothing():
    assert subprocess.run([sys.executable, "-c", LATE], check=False).returncode == 0
