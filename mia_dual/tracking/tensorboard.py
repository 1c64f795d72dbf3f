"""TensorBoard: an event file in a folder of each run's own."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mia_dual.optional import optional
from mia_dual.tracking.figures import Figure
from mia_dual.tracking.record import written


class TensorBoardTracker:
    """A folder below the folder ``place``: figures as scalars of their steps, settings as a text,
    pictures (PNG) as images, and every file as it is beside the events.
    """

    def __init__(self, place: str) -> None:
        self._place = Path(place)
        self._summary = optional("tensorboardX.summary", "tensorboard", "tensorboard")
        self._writing = optional("tensorboardX.event_file_writer", "tensorboard", "tensorboard")
        self._proto = optional("tensorboardX.proto.event_pb2", "tensorboard", "tensorboard")

    def start(self, name: str) -> None:
        """See :class:`mia_dual.tracking.tracker.Tracker`."""
        # TensorBoard would draw two runs of one folder as one curve.
        self._folder, number = self._place / name, 1
        while self._folder.exists():
            number += 1
            self._folder = self._place / f"{name}-{number}"
        self._folder.mkdir(parents=True)
        self._writer = self._writing.EventsWriter(str(self._folder / "events"))

    def settings(self, settings: Mapping[str, Any]) -> None:
        """See :class:`mia_dual.tracking.tracker.Tracker`."""
        # Markdown, in which a line begun with four spaces is shown as it is.
        lines = "\n".join(f"    {name}: {value}" for name, value in written(settings))
        self._write(self._summary.text("settings", lines))

    def figures(self, figures: Sequence[Figure]) -> None:
        """See :class:`mia_dual.tracking.tracker.Tracker`."""
        for one in figures:
            self._write(self._summary.scalar(one.path, one.value), one.step)

    def file(self, path: Path) -> None:
        """See :class:`mia_dual.tracking.tracker.Tracker`."""
        shutil.copyfile(path, self._folder / path.name)
        if path.suffix == ".png":
            picture = self._summary.Summary.Image(encoded_image_string=path.read_bytes())
            value = self._summary.Summary.Value(tag=path.stem, image=picture)
            self._write(self._summary.Summary(value=[value]))

    def end(self, whole: bool) -> None:
        """See :class:`mia_dual.tracking.tracker.Tracker`."""
        self._writer.close()

    def _write(self, summary: Any, step: int = 0) -> None:
        event = self._proto.Event(wall_time=time.time(), step=step, summary=summary)
        self._writer.write_event(event)
