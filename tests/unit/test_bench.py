"""What measures in a process of its own leaves none behind."""

import subprocess
import sys

CALLER = (
    "from mia_dual.measure.bench import in_own_process; "
    "in_own_process(exec, 'import time; print(1, flush=True); time.sleep(600)')"
)


def test_a_measurement_ends_with_the_process_that_asked_for_it():
    caller = subprocess.Popen([sys.executable, "-c", CALLER], stdout=subprocess.PIPE)
    assert caller.stdout.readline()
    caller.kill()
    # The measurement holds the output, too: this waits until both have ended.
    caller.communicate(timeout=60)
