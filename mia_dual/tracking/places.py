"""Which trackers were named, and what became of telling them."""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, NamedTuple

from mia_dual.errors import ConfigError
from mia_dual.optional import check_installed
from mia_dual.quoting import one_line, quoted
from mia_dual.tracking.record import Record
from mia_dual.tracking.tracker import Tracker


@dataclass(frozen=True)
class Kind:
    """A tracker's class, as ``module`` and ``name``, and the package it needs.

    What we call the tracker is also the extra that installs it.
    """

    module: str
    name: str
    package: str
    example: str


KINDS = {
    "mlflow": Kind("mia_dual.tracking.mlflow", "MlflowTracker", "mlflow", "http://localhost:5000"),
    "tensorboard": Kind(
        "mia_dual.tracking.tensorboard", "TensorBoardTracker", "tensorboardX", "events"
    ),
    "aim": Kind("mia_dual.tracking.aim", "AimTracker", "aim", "aim_repo"),
}


@dataclass(frozen=True)
class Place:
    """A tracker of ``kind``, and where its runs go."""

    kind: str
    where: str

    def __str__(self) -> str:
        """As it was named, without a password in it."""
        return f"{self.kind}:{_without_password(self.where)}"

    def opened(self) -> Tracker:
        """The tracker; raises what its package raises."""
        kind = KINDS[self.kind]
        tracker: Any = getattr(importlib.import_module(kind.module), kind.name)
        return tracker(self.where)


def places_of(words: Sequence[str]) -> list[Place]:
    """The places named by ``words`` as in ``mlflow:http://localhost:5000``.

    Raises ConfigError for a word that names none, MissingPackageError where what a tracker needs
    is not installed. Imports none of it: a package may set up the process it is in.
    """
    places = []
    for word in words:
        kind, _, where = word.partition(":")
        if kind not in KINDS or not where:
            examples = ", ".join(f"{name}:{kind.example}" for name, kind in KINDS.items())
            raise ConfigError(f"--track {quoted(word)} names no tracker: write one of {examples}")
        check_installed(KINDS[kind].package, f"--track {kind}", kind)
        places.append(Place(kind, where))
    return places


class Told(NamedTuple):
    """Whether a tracker took a run ``whole``, and a ``line`` that says so."""

    whole: bool
    line: str


def track(places: Sequence[Place], records: Sequence[Record]) -> list[Told]:
    """Tell ``places`` of ``records``; gives what became of each, and raises nothing.

    The run is finished and whole by then, whatever a tracker does.
    """
    return [_tell(place, records) for place in places]


def _tell(place: Place, records: Sequence[Record]) -> Told:
    try:
        for record in records:
            tracker = place.opened()
            tracker.start(record.name)
            try:
                record.send(tracker)
            except BaseException:
                with suppress(Exception):
                    tracker.end(whole=False)
                raise
            tracker.end(whole=True)
    except Exception as error:  # whatever its package and the network raise
        reason = _without_password(one_line(str(error), 300))
        return Told(
            False, f"{place} did not take it ({reason}): the run folder is whole without it"
        )
    return Told(True, f"{place} holds it, too")


def _without_password(text: str) -> str:
    return re.sub(r"://[^/@\s]*@", "://", text)
