"""Memory that ran out is one line that names the fix; other faults of ours stay what they are."""

import numpy as np
import pytest
import torch
import typer

from mia_dual.cli.guard import BAD_INPUT, guarded

BEYOND = 1 << 50


def _numpy():
    np.empty(BEYOND, np.float64)


def _torch():
    torch.empty(BEYOND)


def _system():
    raise OSError(12, "Cannot allocate memory")


@pytest.mark.parametrize("take", [_numpy, _torch, _system])
def test_memory_that_ran_out_is_a_line_with_the_fix(take, capsys):
    with pytest.raises(typer.Exit) as ended:
        guarded(take)()
    assert ended.value.exit_code == BAD_INPUT
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("mia-dual: memory ran out (")
    assert "--workers" in line
    assert "--memory" in line


def test_another_fault_keeps_its_traceback():
    def fault():
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes"):
        guarded(fault)()
