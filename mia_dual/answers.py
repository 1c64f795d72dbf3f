"""What models say: one table of logits, models x records x classes, asked once and kept.

A model is asked about the records its plan names, so the table is stored a model a row: an .npy
file (asked records, classes) float32, memory-mapped when it is read.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import lru_cache, partial
from pathlib import Path
from typing import Union

import numpy as np

from mia_dual.deferred import Deferred
from mia_dual.interface import NO_RECORD
from mia_dual.progress import Progress
from mia_dual.store.entry import Entry
from mia_dual.store.files import as_npy
from mia_dual.store.folder import RunFolder
from mia_dual.store.keys import answers_key, array_digest
from mia_dual.training.family import Family
from mia_dual.training.trainer import Trained, Trainer

FLOATS_A_CALL = 1 << 26
"""Logits and weights that one call to a backend holds at most: 256 MiB."""

SMALL, MOST_KEPT = 1 << 16, 256
"""Bytes of what a model says that is kept in memory once it was read, and of how many models."""


class Answers:
    """The table: ``rows`` are a model's asked records, sorted; ``logits`` its row of the table."""

    def __init__(
        self,
        rows: Mapping[str, np.ndarray],
        logits: Mapping[str, np.ndarray],
        keys: Mapping[str, str],
    ) -> None:
        self._rows, self._logits, self._keys = rows, logits, keys

    def __or__(self, other: Answers) -> Answers:
        """The tables of both."""
        return Answers(
            Deferred.joined(self._rows, other._rows),
            Deferred.joined(self._logits, other._logits),
            {**self._keys, **other._keys},
        )

    @property
    def keys(self) -> dict[str, str]:
        """The store's key of what each model says."""
        return dict(self._keys)

    def key(self, model: str) -> str:
        """The store's key of what ``model`` says."""
        return self._keys[model]

    def of(self, model: str, rows: np.ndarray) -> np.ndarray:
        """What ``model`` says of ``rows``, each of which it was asked about: (rows, classes).

        A view, still to be read from its file, where they are neighbours among those it was asked
        about; else a copy.
        """
        logits = np.asarray(self._logits[model])
        places = _places(self._rows[model], rows)
        return logits[places] if isinstance(places, slice) else logits.take(places, axis=0)


def _places(asked: np.ndarray, rows: np.ndarray) -> Union[slice, np.ndarray]:
    """Where ``rows`` are among the sorted ``asked``, which hold them."""
    if not len(rows):
        return slice(0, 0)
    first = int(np.searchsorted(asked, rows[0]))
    run = slice(first, first + len(rows))
    if np.array_equal(asked[run], rows):
        return run
    # Several times as fast as a search for each of many rows.
    of_row = np.empty(int(asked[-1]) + 1, np.int64)
    of_row[asked] = np.arange(len(asked))
    return of_row[rows]


def ask(
    trainer: Trainer,
    folder: RunFolder,
    family: Family,
    models: Mapping[str, Trained],
    asked: Mapping[str, np.ndarray],
    progress: Progress,
) -> Answers:
    """What each of ``models`` says of its ``asked`` rows (sorted record indices of the family).

    What the store holds is not asked again; the rest takes as few calls as memory allows.
    """
    keys = {
        name: answers_key(model.entry.key, array_digest(asked[name]))
        for name, model in models.items()
    }
    folder.refer(keys.values())
    found = {name: folder.find_sound(key) for name, key in keys.items()}
    entries = {name: entry for name, entry in found.items() if entry is not None}
    missing = [name for name in models if name not in entries]
    if missing:
        started = time.perf_counter()
        questions = sum(len(asked[name]) for name in missing)
        with progress.stage("answers", questions, unit="records", models=len(missing)) as report:
            for names in calls(missing, asked, family.spec.classes, models):
                entries.update(_ask(trainer, folder, family, models, asked, keys, names))
                report(sum(len(asked[name]) for name in names), len(names))
        seconds = time.perf_counter() - started
        folder.log("ask", models=missing, questions=questions, seconds=round(seconds, 3))
    for name in models:
        folder.link(entries[name], f"answers/{name}.npy")
    # Mapped when a model's are looked at, and let go: pages of all of them would fill the memory.
    # Small ones are kept, since they are looked at many times.
    kept = lru_cache(maxsize=MOST_KEPT)(_read)
    logits = {
        name: partial(
            kept if entry.bytes <= SMALL else partial(np.load, mmap_mode="r"),
            folder.store.file(entry),
        )
        for name, entry in entries.items()
    }
    return Answers(asked, Deferred(logits), keys)


def _read(file: Path) -> np.ndarray:
    found: np.ndarray = np.load(file)
    found.flags.writeable = False
    return found


def _ask(
    trainer: Trainer,
    folder: RunFolder,
    family: Family,
    models: Mapping[str, Trained],
    asked: Mapping[str, np.ndarray],
    keys: Mapping[str, str],
    names: Sequence[str],
) -> dict[str, Entry]:
    rows = np.full((len(names), max(len(asked[name]) for name in names)), NO_RECORD, np.int64)
    for place, name in enumerate(names):
        rows[place, : len(asked[name])] = asked[name]
    weights = [trainer.weights(models[name]) for name in names]
    logits = trainer.engine.backend.logits(family.spec, weights, family.records, rows)
    return {
        name: folder.store.put(keys[name], "answers", name, as_npy(said[: len(asked[name])]))
        for name, said in zip(names, logits)
    }


def calls(
    names: Sequence[str],
    asked: Mapping[str, np.ndarray],
    values: int,
    models: Mapping[str, Trained],
) -> list[list[str]]:
    """``names`` in as few calls as keep to ``FLOATS_A_CALL``, alike numbers of rows together.

    ``values``: floats that each of the ``models`` gives of a row.
    """
    calls: list[list[str]] = []
    weights = 0
    for name in sorted(names, key=lambda name: -len(asked[name])):
        widest = len(asked[calls[-1][0]]) if calls else 0
        weights += models[name].entry.bytes // 4
        if calls and (len(calls[-1]) + 1) * widest * values + weights <= FLOATS_A_CALL:
            calls[-1].append(name)
        else:
            calls.append([name])
            weights = models[name].entry.bytes // 4
    return calls
