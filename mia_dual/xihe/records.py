"""Records for Aim, which the platform shows under a job: config, lines, progress, figures."""

from __future__ import annotations

from pathlib import Path
from typing import Optional, Protocol

from mia_dual.errors import MissingPackageError
from mia_dual.quoting import one_line
from mia_dual.tracking.aim import AimTracker
from mia_dual.tracking.record import run_record
from mia_dual.xihe.lines import Say


class Records(Protocol):
    """Where a job's course and results are noted beside its output."""

    def line(self, text: str) -> None:
        """Note a line of the log."""
        ...

    def progress(self, stage: str, done: int) -> None:
        """Note a point of the curve of a stage: so many of its units are done."""
        ...

    def results(self, run: Path) -> None:
        """Note the finished run in folder ``run``."""
        ...

    def close(self, whole: bool) -> None:
        """Nothing more comes; ``whole``: the job is done."""
        ...


class NoRecords:
    """Notes nothing."""

    def line(self, text: str) -> None:
        """See :class:`Records`."""

    def progress(self, stage: str, done: int) -> None:
        """See :class:`Records`."""

    def results(self, run: Path) -> None:
        """See :class:`Records`."""

    def close(self, whole: bool) -> None:
        """See :class:`Records`."""


class AimRecords:
    """A run of Aim that has started, told of the job while it goes on and when it is done."""

    def __init__(self, tracker: AimTracker, say: Say) -> None:
        self._tracker, self._say = tracker, say
        self.line = tracker.line
        self.progress = tracker.progress
        self.close = tracker.end

    def results(self, run: Path) -> None:
        """See :class:`Records`."""
        record = run_record(run)
        try:
            record.send(self._tracker)
        except Exception as error:  # the run is whole in its folder, whatever Aim makes of it
            self._say(f"aim did not take the results ({one_line(str(error), 300)})")


def open_records(repo: Optional[str], say: Say) -> Records:
    """Records in ``repo``; none where there is no repo or no Aim, which is said in a line."""
    if repo is None:
        return NoRecords()
    try:
        tracker = AimTracker(repo)
        tracker.start("mia-dual")
        return AimRecords(tracker, say)
    except MissingPackageError:
        say("aim is not installed, so nothing is written to aim_repo: add aim to pip-requirements")
    except Exception as error:  # a repository that Aim cannot open is no reason to lose a run
        say(f"aim cannot write to '{repo}' ({one_line(str(error), 300)}): going on without it")
    return NoRecords()
