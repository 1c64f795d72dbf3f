"""Results that a folder's last walk found from the same, so that they need not be found again.

What that was found from is read and checked as ever, and so are the files it wrote; only what is
computed from the one for the other is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Optional

import numpy as np
import scipy
from pydantic import ValidationError

import mia_dual
from mia_dual.answers import Answers
from mia_dual.config import Config
from mia_dual.deletion.ledger import Entry
from mia_dual.report.results import Results
from mia_dual.store.files import checksum_of
from mia_dual.store.folder import FORGETTING, SCORES_WITH_SINGLE, RunFolder
from mia_dual.store.keys import array_digest, key_of
from mia_dual.training.trainer import Trained
from mia_dual.walks.scoring import Scores

WRITTEN = (
    "results.json",
    "cost.json",
    "plan.json",
    "plan.npz",
    "scores.npz",
    SCORES_WITH_SINGLE,
    "roc.npz",
    FORGETTING,
)
"""Files that a walk writes of what it found."""


def found_from(
    config: Config,
    environment: Mapping[str, Any],
    data: str,
    ledger: Sequence[Entry],
    trained: Mapping[str, Trained],
    answers: Sequence[Answers],
    scores: Sequence[Scores],
    not_run: Sequence[Mapping[str, str]],
) -> str:
    """A digest of all that results follow from, this code included.

    ``environment``: the engine's record. ``data``: the data set's digest.
    """
    return key_of(
        {
            "code": _code(),
            "config": config.model_dump(mode="json"),
            "environment": environment,
            "data": data,
            "ledger": [entry.model_dump(mode="json") for entry in ledger],
            "trained": {
                name: [model.entry.key, model.entry.sha256, model.entry.seconds]
                for name, model in trained.items()
            },
            "answers": [said.keys for said in answers],
            "scores": [_digests(part) for part in scores],
            "not_run": list(not_run),
        }
    )


def written(folder: RunFolder) -> dict[str, str]:
    """The checksum of each of :data:`WRITTEN` that is in ``folder``."""
    there = [folder.path / name for name in WRITTEN]
    return {file.name: checksum_of(file) for file in there if file.is_file()}


def remembered(folder: RunFolder, source: str) -> Optional[Results]:
    """The results in ``folder``, where its last walk found them from ``source``, as
    :func:`found_from` says it, and all that it wrote is as it was written.
    """
    done = folder.last_logged("done")
    if done.get("found_from") != source or done.get("written") != written(folder):
        return None
    try:
        return Results.model_validate(folder.read_json("results.json"))
    except ValidationError:
        return None


def _digests(scores: Scores) -> list[Any]:
    tables = (
        {
            attack: {version: array_digest(array) for version, array in of_versions.items()}
            for attack, of_versions in table.items()
        }
        for table in (scores.table, scores.cuts)
    )
    # In their order, which is that of results.
    return [array_digest(scores.rows), scores.versions, list(scores.table), *tables]


def _code() -> list[Any]:
    """What tells this code, as installed, from another."""
    home = Path(mia_dual.__file__).parent
    files = [(file, file.stat()) for file in sorted(home.rglob("*.py"))]
    return [
        mia_dual.__version__,
        np.__version__,
        scipy.__version__,
        [[str(file.relative_to(home)), seen.st_size, seen.st_mtime_ns] for file, seen in files],
    ]
