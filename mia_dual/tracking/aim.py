"""Aim: a run in a repository, as Xihe shows it under a job."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mia_dual.optional import optional
from mia_dual.tracking.figures import Figure

TEXTS = (".csv", ".json", ".yaml")
"""How the names of files end that are kept as texts."""


class AimTracker:
    """A run in the repository ``place``; uses what Aim 3.8 (that of Xihe) has.

    Aim keeps no files: those of ``TEXTS`` become texts, pictures (PNG) images, others are left out.
    """

    def __init__(self, place: str) -> None:
        self._aim = optional("aim", "aim", "aim")
        self._place = place
        self._lines = 0

    def start(self, name: str) -> None:
        """See :class:`mia_dual.tracking.tracker.Tracker`."""
        self._run = self._aim.Run(repo=self._place, experiment="mia-dual")
        self._run.name = name

    def settings(self, settings: Mapping[str, Any]) -> None:
        """See :class:`mia_dual.tracking.tracker.Tracker`."""
        self._run["config"] = settings

    def figures(self, figures: Sequence[Figure]) -> None:
        """See :class:`mia_dual.tracking.tracker.Tracker`."""
        for one in figures:
            self._run.track(one.value, name=one.name, step=one.step, context={"of": one.of})

    def file(self, path: Path) -> None:
        """See :class:`mia_dual.tracking.tracker.Tracker`."""
        if path.suffix in TEXTS:
            text = path.read_text(encoding="utf-8")
            self._run.track(self._aim.Text(text), name=path.name)
        elif path.suffix == ".png":
            self._run.track(self._aim.Image(str(path)), name=path.name)

    def end(self, whole: bool) -> None:
        """See :class:`mia_dual.tracking.tracker.Tracker`."""
        self._run.close()

    def line(self, text: str) -> None:
        """Note a line of the log of a job that goes on."""
        self._run.track(self._aim.Text(text), name="log", step=self._lines)
        self._lines += 1

    def progress(self, stage: str, done: int) -> None:
        """Note a point of the curve of a stage: so many of its units are done."""
        self._run.track(done, name="progress", context={"stage": stage})
