"""Memory, and a core for each training process."""

import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia_dual.cli.options import parse_memory
from mia_dual.errors import ConfigError
from mia_dual.execution import free_memory, models_that_fit


@given(st.integers(1, 10**12), st.integers(1, 10**10))
def test_models_fit_unless_it_is_the_only_one(limit, each):
    models = models_that_fit(limit, each)
    assert models == 1 or models * each <= limit
    assert (models + 1) * each > limit


def test_free_memory_is_some_of_the_machine_s():
    assert 2**20 < free_memory() < 2**50


@pytest.mark.parametrize(("text", "size"), [("4GB", 4e9), ("512MiB", 2**29), ("1000", 1000)])
def test_sizes_are_read_as_people_write_them(text, size):
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["much", "-1", "0GB"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ConfigError, match=f"--memory '{text}'"):
        parse_memory(text)


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="no affinities on this system")
def test_a_process_stays_on_the_cores_it_is_given():
    core = max(os.sched_getaffinity(0))
    # The module itself needs no framework: only the folder it lies in.
    program = (
        "import os, runpy, sys; "
        "module = runpy.run_path(sys.argv[1]); "
        "module['stay_on']([]); "
        "assert sorted(os.sched_getaffinity(0)) == module['own_cores'](); "
        f"module['stay_on']([{core}]); "
        "print(*module['own_cores']())"
    )
    module = os.path.join(os.path.dirname(__file__), "../../mia_dual/processes/cores.py")
    done = subprocess.run(
        [sys.executable, "-c", program, module], capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == [str(core)]
