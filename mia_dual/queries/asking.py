"""What models say of altered records, asked once and kept."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from mia_dual.answers import calls
from mia_dual.interface import NO_RECORD, Records
from mia_dual.progress import Progress
from mia_dual.queries.alteration import Alteration
from mia_dual.store.entry import Entry
from mia_dual.store.files import as_npy
from mia_dual.store.folder import RunFolder
from mia_dual.store.keys import altered_answers_key, array_digest
from mia_dual.store.objects import Store
from mia_dual.training.family import Family
from mia_dual.training.trainer import Trained, Trainer

BYTES_A_CALL = 1 << 28
"""Altered records that one call to a backend is about at most."""


class AlteredAnswers:
    """What ``models`` say of the same ``rows``, altered by each of ``alterations`` (in order).

    An answer is mapped from its file when it is asked for: there may be more of them than files
    that a process may hold open.
    """

    def __init__(
        self,
        store: Store,
        entries: Mapping[str, Sequence[Entry]],
        alterations: Sequence[Alteration],
        rows: np.ndarray,
    ) -> None:
        self._store, self._entries = store, entries
        self.alterations, self.rows = tuple(alterations), rows

    def key(self, model: str, alteration: int) -> str:
        """The store's key of what ``model`` says under that alteration."""
        return self._entries[model][alteration].key

    def of(self, model: str, alteration: int) -> np.ndarray:
        """What ``model`` says under that alteration: (rows, classes) float32, memory-mapped."""
        file = self._store.file(self._entries[model][alteration])
        mapped: np.ndarray = np.load(file, mmap_mode="r")
        return mapped

    def logits(self, models: Sequence[str], records: slice = slice(None)) -> np.ndarray:
        """What ``models`` say of some of the rows, under every alteration.

        (alterations, models, records, classes) float32, in memory.
        """
        return np.stack(
            [
                np.stack([self.of(model, place)[records] for model in models])
                for place in range(len(self.alterations))
            ]
        )


def ask_altered(
    trainer: Trainer,
    folder: RunFolder,
    family: Family,
    models: Mapping[str, Trained],
    alterations: Sequence[Alteration],
    rows: np.ndarray,
    progress: Progress,
) -> AlteredAnswers:
    """What each of ``models`` says of altered copies of ``rows`` (record indices of the family).

    There are one alteration, one model and one row at least. What the store holds is not asked
    again; the rest takes as few calls as memory allows, and each is stored before the next.
    """
    asked = array_digest(rows)
    keys = {
        name: [
            altered_answers_key(model.entry.key, family.digest, alteration.describe(), asked)
            for alteration in alterations
        ]
        for name, model in models.items()
    }
    folder.refer(key for found in keys.values() for key in found)
    entries = {
        (name, place): entry
        for name, found in keys.items()
        for place, key in enumerate(found)
        for entry in [folder.find(key)]
        if entry is not None and folder.store.is_sound(entry)
    }
    missing = {
        name: [place for place in range(len(alterations)) if (name, place) not in entries]
        for name in models
    }
    questions = len(rows) * sum(map(len, missing.values()))
    if questions:
        started = time.perf_counter()
        with progress.stage("altered answers", questions, unit="records") as report:
            for places, altered in _pieces(family.records, alterations, rows, missing):
                told = _ask(trainer, family, models, altered, len(rows), places, missing)
                for (name, place), said in told:
                    title = f"{name} on {alterations[place].name}"
                    content = as_npy(said)
                    entries[name, place] = folder.store.put(
                        keys[name][place], "answers", title, content
                    )
                    report(len(rows))
        folder.log(
            "ask altered",
            models=[name for name in models if missing[name]],
            alterations=[alteration.name for alteration in alterations],
            questions=questions,
            seconds=round(time.perf_counter() - started, 3),
        )
    ordered = {name: [entries[name, place] for place in range(len(alterations))] for name in models}
    return AlteredAnswers(folder.store, ordered, alterations, rows)


def _pieces(
    records: Records,
    alterations: Sequence[Alteration],
    rows: np.ndarray,
    missing: Mapping[str, Sequence[int]],
) -> Iterator[tuple[list[int], Records]]:
    """The alterations that someone is yet to be asked about, and the records altered by them.

    Several together, one after the other, as long as they keep to ``BYTES_A_CALL``.
    """
    wanted = sorted({place for places in missing.values() for place in places})
    size = len(rows) * math.prod(records.features.shape[1:]) * records.features.dtype.itemsize
    together = max(1, BYTES_A_CALL // size)
    for start in range(0, len(wanted), together):
        places = wanted[start : start + together]
        altered = [alterations[place].apply(records, rows) for place in places]
        yield (
            places,
            Records(
                np.concatenate([part.features for part in altered]),
                np.concatenate([part.labels for part in altered]),
                records.scale,
                records.shift,
            ),
        )


def _ask(
    trainer: Trainer,
    family: Family,
    models: Mapping[str, Trained],
    altered: Records,
    count: int,
    places: Sequence[int],
    missing: Mapping[str, Sequence[int]],
) -> Iterator[tuple[tuple[str, int], np.ndarray]]:
    """What models say of those of ``altered`` that they are yet to be asked about.

    ``altered`` holds ``count`` records for each of ``places``. Gives (model, place) and logits
    (count, classes) float32.
    """
    own = {
        name: [place for place in places if place in missing[name]]
        for name in models
        if set(places) & set(missing[name])
    }
    asked = {
        name: np.concatenate([np.arange(count) + places.index(place) * count for place in wanted])
        for name, wanted in own.items()
    }
    for names in calls(list(own), asked, family.spec.classes, models):
        rows = np.full((len(names), max(len(asked[name]) for name in names)), NO_RECORD, np.int64)
        for line, name in zip(rows, names):
            line[: len(asked[name])] = asked[name]
        weights = [trainer.weights(models[name]) for name in names]
        said = trainer.engine.backend.logits(family.spec, weights, altered, rows)
        for name, logits in zip(names, said):
            for number, place in enumerate(own[name]):
                yield (name, place), logits[number * count : (number + 1) * count]
