"""How every walk of one run folder ends."""

from __future__ import annotations

from typing import Any

from mia_dual.execution import peak_memory
from mia_dual.report.results import Results
from mia_dual.store.folder import RunFolder


def finish(folder: RunFolder, results: Results) -> Results:
    """Write ``results``, and into the log what :func:`say_done` says; gives ``results``."""
    folder.write_json("results.json", results.model_dump(mode="json"))
    say_done(folder)
    return results


def say_done(folder: RunFolder, **facts: Any) -> None:
    """Write into the log what was damaged and made again, and the most memory, in bytes, that this
    process held, with ``facts``.
    """
    if folder.store.damaged:
        folder.log("damaged", made_again=folder.store.damaged)
    folder.log("done", peak_memory=peak_memory(), **facts)
