"""One audit on several backends: a process each, one after another, and what parts them.

A process each, since frameworks set up the process they are in: MindSpore's backend bounds the
instructions of every oneDNN in it, and PyTorch would then give other bits than it gives alone. The
data set is prepared by the first process and mapped into memory by the next.
"""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Optional

import typer

from mia_dual.engine import Engine
from mia_dual.errors import BackendError, ConfigError
from mia_dual.stopping import INTERRUPTED, TERMINATED, Terminated
from mia_dual.store.folder import read_json

if TYPE_CHECKING:
    from mia_dual.cli.paging import Paging
    from mia_dual.cli.telling import Telling

PATIENCE = 30.0
"""Seconds an interrupted run has to end by itself, before it is told to."""

_TRY = """
import sys
from mia_dual.errors import MiaDualError
from mia_dual.registry import load_backend
try:
    load_backend(*sys.argv[1:])
except MiaDualError as error:
    sys.exit(str(error))
"""


def run_several(
    engines: Sequence[Engine],
    named: Path,
    arguments: Sequence[str],
    dry_run: bool,
    data_dir: Optional[Path],
    paging: Paging,
    telling: Telling,
) -> None:
    """Run on each of ``engines`` into ``<named>-<backend>``, and compare those that finish.

    ``arguments``: further options of each run. Raises ConfigError or BackendError before anything
    is trained where a backend is named twice or cannot start, and BackendError at the end where a
    run failed.
    """
    if dry_run and telling.as_json:
        raise ConfigError("--dry-run --json is of one backend: name one --backend")
    names = [engine.name for engine in engines]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"--backend {name} stands twice: name each backend once")
    folders = {name: _beside(named, name) for name in names}
    _check(engines, folders)
    codes = _run_each(folders, arguments, telling)
    finished = [path for name, path in folders.items() if codes[name] == 0]
    if len(finished) > 1 and not dry_run:
        _compare(finished, _beside(named, "comparison.json"), data_dir, paging, telling)
    failed = [name for name, code in codes.items() if code]
    if failed:
        raise BackendError(
            f"the run on {' and on '.join(map(repr, failed))} failed, as it says above; finished: "
            f"{', '.join(map(str, finished)) or 'none'}"
        )


def _beside(named: Path, what: str) -> Path:
    """A neighbour of ``named``, which may be ``.`` and so have no name."""
    return named.parent / f"{named.name or 'run'}-{what}"


def arguments_of(context: typer.Context, but: Sequence[str]) -> list[str]:
    """The options of the command as they were given, without those of the names ``but``."""
    given: list[str] = []
    for option in context.command.params:
        value = context.params.get(option.name or "")
        # A seed of 0 is given, too.
        if option.name in but or value is None:
            continue
        if value is False:
            given += option.secondary_opts[:1]
            continue
        for one in value if isinstance(value, (list, tuple)) else [value]:
            given.append(option.opts[0])
            if one is not True:
                given.append(str(getattr(one, "value", one)))
    return given


def _check(engines: Sequence[Engine], folders: Mapping[str, Path]) -> None:
    """Raise BackendError where one cannot be started here, before any of them trains.

    Each is started in a process of its own, all at once; one whose run folder already tells of
    what is installed is not.
    """
    trials = {}
    for engine in engines:
        engine.recall(read_json(folders[engine.name] / "environment.json"))
        # What workers of a cluster have, they say when they are asked.
        if not engine.is_known and engine.cluster is None:
            trials[engine.name] = subprocess.Popen(
                [sys.executable, "-c", _TRY, engine.name, engine.device],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
            )
    complaints = {name: trial.communicate()[1].strip() for name, trial in trials.items()}
    for name, trial in trials.items():
        if trial.returncode:
            reason = (complaints[name].splitlines() or ["it ended without a word"])[-1]
            raise BackendError(f"nothing was run, since backend '{name}' cannot start: {reason}")


def _run_each(
    folders: Mapping[str, Path], arguments: Sequence[str], telling: Telling
) -> dict[str, int]:
    """Run each backend into its folder with ``arguments``; backend -> its exit code.

    A run that fails says why itself, and the next one begins. Each ends when this process is gone,
    killed even. Raises typer.Exit when a run is interrupted.
    """
    codes = {}
    for name, path in folders.items():
        command = ["run", "--backend", name, "--out", str(path), *arguments]
        # What each finds would stand beside the document that is asked for.
        said = subprocess.DEVNULL if telling.as_json else None
        line = [sys.executable, "-m", "mia_dual.cli.child", *command]
        with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=said) as process:
            code = _wait(process)
        if code in (INTERRUPTED, TERMINATED):
            raise typer.Exit(code)
        codes[name] = code
    return codes


def _wait(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait()
    except Terminated:
        # It has been told nothing, and there may be little time. It ends with its input.
        assert process.stdin is not None
        process.stdin.close()
        process.wait()
        return TERMINATED
    except KeyboardInterrupt:
        # A terminal interrupts the run as well; a signal to this process alone does not.
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
            process.wait()
        return INTERRUPTED


def _compare(
    folders: Sequence[Path],
    file: Path,
    data_dir: Optional[Path],
    paging: Paging,
    telling: Telling,
) -> None:
    """Print the comparison of finished runs, and write it as JSON to ``file``, and as a page."""
    from mia_dual.report.compare_table import print_comparison
    from mia_dual.store.files import write_atomically
    from mia_dual.walks.compare import compare_runs
    from mia_dual.walks.finished import FinishedRun

    comparison = compare_runs([FinishedRun(path) for path in folders], telling.progress)
    write_atomically(file, (comparison.model_dump_json(indent=2) + "\n").encode())
    print_comparison(comparison, telling.console)
    drawn = file.with_suffix(".html")
    page = paging.of_runs(folders, drawn, telling, data_dir, comparison=comparison)
    shown = "" if page is None else f"{page} shows them side by side; "
    telling.end(f"{shown}{file} holds the comparison", lambda: comparison)
