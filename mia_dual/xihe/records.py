"""Records for Aim, which the platform shows under a job: config, lines, progress, figures."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import Any, Optional, Protocol

from mia_dual.config import Config
from mia_dual.report.results import Results
from mia_dual.xihe.lines import Say


class Records(Protocol):
    """Where a job's course and results are noted beside its output."""

    def line(self, text: str) -> None:
        """Note a line of the log."""
        ...

    def progress(self, stage: str, done: int) -> None:
        """Note a point of the curve of a stage: so many of its units are done."""
        ...

    def results(self, config: Config, results: Results) -> None:
        """Note the settings and every figure."""
        ...

    def close(self) -> None:
        """Nothing more comes."""
        ...


class NoRecords:
    """Notes nothing."""

    def line(self, text: str) -> None:
        """See :class:`Records`."""

    def progress(self, stage: str, done: int) -> None:
        """See :class:`Records`."""

    def results(self, config: Config, results: Results) -> None:
        """See :class:`Records`."""

    def close(self) -> None:
        """See :class:`Records`."""


class AimRecords:
    """A run of Aim in ``repo``; uses what Aim 3.8 (the platform's) has."""

    def __init__(self, aim: Any, repo: str) -> None:
        self._aim = aim
        self._run = aim.Run(repo=repo, experiment="mia-dual")
        self._lines = 0

    def line(self, text: str) -> None:
        """See :class:`Records`."""
        self._run.track(self._aim.Text(text), name="log", step=self._lines)
        self._lines += 1

    def progress(self, stage: str, done: int) -> None:
        """See :class:`Records`."""
        self._run.track(done, name="progress", context={"stage": stage})

    def results(self, config: Config, results: Results) -> None:
        """See :class:`Records`."""
        self._run["config"] = config.model_dump(mode="json")
        for of, name, value in figures(results.model_dump(mode="json")):
            self._run.track(value, name=name, context={"of": of})

    def close(self) -> None:
        """See :class:`Records`."""
        self._run.close()


def open_records(repo: Optional[str], say: Say) -> Records:
    """Records in ``repo``; none where there is no repo or no Aim, which is said in a line."""
    if repo is None:
        return NoRecords()
    try:
        return AimRecords(importlib.import_module("aim"), repo)
    except ImportError:
        say("aim is not installed, so nothing is written to aim_repo: add aim to pip-requirements")
    except Exception as error:  # a repository that Aim cannot open is no reason to lose a run
        say(f"aim cannot write to '{repo}' ({error}): going on without it")
    return NoRecords()


def figures(results: Any, of: str = "", name: str = "") -> Iterator[tuple[str, str, float]]:
    """Every number in ``results``, but for single classes: what it is of, as a dotted path, its
    name, and it. Places in lists, and keys that are no words, go into the name.
    """
    if isinstance(results, dict):
        parts = results
    elif isinstance(results, list):
        parts = {str(place): part for place, part in enumerate(results)}
    else:
        if isinstance(results, (int, float)) and not isinstance(results, bool):
            yield of, name, results
        return
    inside = ".".join(filter(None, (of, name)))
    for key, part in parts.items():
        if not key.isidentifier():
            yield from figures(part, of, f"{name}_{key}")
        elif key != "per_class":
            yield from figures(part, inside, key)
