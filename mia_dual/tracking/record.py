"""What is told of a finished run, or of a study, read from its folder."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mia_dual.report.results import Results
from mia_dual.store.folder import flat
from mia_dual.tracking.figures import Figure, figures
from mia_dual.tracking.tracker import Tracker
from mia_dual.yaml_file import read_yaml_file

FILES = ("config.yaml", "environment.json", "results.json", "cost.json", "study.json")
REPORTS = (".csv", ".html", ".png", ".svg")
"""How the names of files end that a report consists of."""


@dataclass(frozen=True)
class Record:
    """A run by ``name``: its ``settings``, nested as in YAML, and what came out of it."""

    name: str
    settings: Mapping[str, Any]
    figures: Sequence[Figure]
    files: Sequence[Path]

    def send(self, tracker: Tracker) -> None:
        """Tell ``tracker``, which has started, all of it."""
        tracker.settings(self.settings)
        tracker.figures(self.figures)
        for file in self.files:
            tracker.file(file)


def run_record(path: Path) -> Record:
    """The finished run in folder ``path``; raises StoreError where it holds no results."""
    found = figures(Results.load(path))
    return Record(path.resolve().name, read_yaml_file(path / "config.yaml"), found, _files(path))


def study_records(path: Path, runs: Sequence[str]) -> list[Record]:
    """The finished study in folder ``path``, then each of its ``runs`` by their folders there.

    Its own figures are in its files. Raises StoreError where a run holds no results.
    """
    name = path.resolve().name
    own = Record(name, read_yaml_file(path / "config.yaml"), (), _files(path))
    found = [run_record(path / run) for run in runs]
    return [own, *(replace(run, name=f"{name}-{run.name}") for run in found)]


def written(settings: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Every setting by its dotted name, its value as JSON but for texts, which stand bare."""
    for name, value in flat(settings).items():
        yield name, value if isinstance(value, str) else json.dumps(value)


def _files(path: Path) -> list[Path]:
    named = [path / name for name in FILES if (path / name).is_file()]
    return named + sorted(file for file in path.iterdir() if file.suffix in REPORTS)
