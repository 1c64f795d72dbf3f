"""What a signal does to a process, by how far its command is."""

import signal
import subprocess
import sys

import pytest

LATE = """
import os, signal, time
from mia_dual.stopping import PROCESS

PROCESS.listen()
# As where something is being imported.
code = compile("os.kill(os.getpid(), signal.SIGTERM)", "<frozen importlib._bootstrap>", "exec")
with PROCESS.at_work():
    exec(code)
# As Python does on the way out.
signal.signal(signal.SIGALRM, signal.SIG_DFL)
time.sleep(0.2)
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="nothing is put off without a timer")
def test_a_signal_that_was_put_off_to_after_the_end_changes_nothing():
    assert subprocess.run([sys.executable, "-c", LATE], check=False).returncode == 0


WRITING = """
import io, os, signal, time
import numpy as np
from mia_dual.stopping import PROCESS
from mia_dual.store.files import write_npz

class Interrupting(dict):
    def items(self):
        for name in "ab":
            yield name, Telling(name)

class Telling:
    def __init__(self, name):
        self.name = name
    def __array__(self, *_, **__):
        os.kill(os.getpid(), signal.SIGINT)
        print("wrote", self.name, flush=True)
        return np.ones(3)

PROCESS.listen()
try:
    with PROCESS.at_work():
        write_npz(io.BytesIO(), Interrupting())
except KeyboardInterrupt:
    print("stopped")
# As Python does on the way out.
signal.signal(signal.SIGALRM, signal.SIG_DFL)
time.sleep(0.2)
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="nothing is put off without a timer")
def test_an_interrupt_waits_for_the_array_that_is_written_and_no_longer():
    done = subprocess.run(
        [sys.executable, "-c", WRITING], capture_output=True, text=True, check=False
    )
    assert done.stdout.split("\n")[:2] == ["wrote a", "stopped"], done
    assert (done.returncode, done.stderr) == (0, "")
