"""The command line as its user calls it, in this process."""

import io
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout

import pytest

from mia_dual.cli.app import main


def called_here(words, folder, environment):
    """What ``subprocess.run`` would return of ``mia-dual`` with ``words``, called in ``folder``."""
    # As a terminal's: what is no UTF-8 cannot be said on standard output.
    said = io.TextIOWrapper(io.BytesIO(), "utf-8", newline="")
    complained = io.TextIOWrapper(io.BytesIO(), "utf-8", "backslashreplace", newline="")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["mia-dual", *words])
        with redirect_stdout(said), redirect_stderr(complained), pytest.raises(SystemExit) as ended:
            main()
    out, err = (_written(stream) for stream in (said, complained))
    return subprocess.CompletedProcess(words, ended.value.code, out, err)


def _written(stream):
    stream.flush()
    return stream.buffer.getvalue().decode()
