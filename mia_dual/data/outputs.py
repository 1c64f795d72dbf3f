"""A user's saved outputs: what a target, and reference models, said of records.

The arrays of the .npz file, all but the first three there or not:

* ``target_logits`` or ``target_confidences`` (records, classes): what the target says.
* ``labels`` (records,): each record's class, from 0 on.
* ``membership`` (records,), bool or 0 and 1: whether the target was trained on the record. Only
  scores are measured by it; no attack sees it.
* ``reference_logits`` or ``reference_confidences`` (models, records, classes): what reference
  models (shadows) say of the same records, in the same order.
* ``reference_membership`` (models, records), bool or 0 and 1: what each was trained on.
* ``reference_labels`` (reference records,): where the references' records are others than the
  target's. The two arrays before have that many records then.

Confidences are a softmax: each vector sums to 1. Logits may be infinite, which is taken as the
limit, but for records of which every class has minus infinity. Other arrays are left alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Optional

import numpy as np

from mia_dual.data.archive import Archive, opened
from mia_dual.data.flags import as_flags, check_flags
from mia_dual.data.npy import Header
from mia_dual.errors import DataError
from mia_dual.progress import Advance, Progress

OUTPUTS = "outputs"
"""The name of data that are no records, but what models say of some."""

Form = Literal["logits", "confidences"]

TOLERANCE = 1e-3
"""How far a vector's sum may be from 1: float16 rounds to half of that."""

REFERENCES = ("reference_logits", "reference_confidences", "reference_membership")

ARRAYS = (
    *("target_logits", "target_confidences", "labels", "membership"),
    *(*REFERENCES, "reference_labels"),
)


@dataclass(frozen=True)
class Table:
    """What models say: ``values`` (models, records, classes), memory-mapped where the file allows
    it, and what those are.
    """

    values: np.ndarray
    form: Form

    def logits(self, model: int) -> np.ndarray:
        """What ``model`` says as logits (records, classes), of the type that was given.

        Of confidences the logarithm, which are logits up to a constant a record.
        """
        values: np.ndarray = self.values[model]
        if self.form == "logits":
            return values
        with np.errstate(divide="ignore"):
            logarithm: np.ndarray = np.log(values)
        return logarithm


@dataclass(frozen=True)
class References:
    """What reference models say, and whom they were trained on: ``membership`` (models, records)
    bool. ``labels`` (records,) int64; None: their records are the target's.
    """

    table: Table
    membership: np.ndarray
    labels: Optional[np.ndarray]


@dataclass(frozen=True)
class Outputs:
    """A file of outputs, found to be sound: ``target`` is a table of one model; ``labels``
    (records,) int64, ``membership`` (records,) bool.
    """

    file: Path
    target: Table
    labels: np.ndarray
    membership: np.ndarray
    references: Optional[References]

    @property
    def classes(self) -> int:
        """How many classes outputs tell apart."""
        return int(self.target.values.shape[-1])


def load_outputs(file: Path, progress: Progress) -> Outputs:
    """Read and check ``file``; raises DataError naming the array, what is wrong and what mends it.

    Arrays that are stored uncompressed (numpy.savez) are memory-mapped.
    """
    with opened(file) as archive:
        return _Reader(archive, progress).outputs()


class _Reader:
    """Reads an open file: first what headers say of all arrays, then their values."""

    def __init__(self, archive: Archive, progress: Progress) -> None:
        self._archive, self._file, self._progress = archive, archive.file, progress
        self._headers = archive.headers(ARRAYS)

    def outputs(self) -> Outputs:
        """All that is there."""
        target, form = self._table_of("target")
        records, classes = self._check_table(target, ("records", "classes"))
        self._check_labels("labels", records)
        self._check_membership("membership", (records,), "the records")
        reference = None
        if any(name in self._headers for name in (*REFERENCES, "reference_labels")):
            reference = self._check_references(target, records, classes)
        self._archive.check_memory(
            [found for name, found in self._headers.items() if not self._archive.is_stored(name)]
        )
        models = 0 if reference is None else self._headers[reference[0]].shape[0]
        with self._progress.stage("outputs", 1 + models) as report:
            said = Table(self._values(target)[None], form)
            self._check_values(target, said, 0)
            labels = self._labels("labels", classes)
            membership = self._membership("membership")
            if membership.all() or not membership.any():
                raise self._flaw(
                    "membership",
                    f"is {str(membership[0]).lower()} for all {records} records: give records that "
                    "the target was trained on, and others",
                )
            report(1)
            references = None if reference is None else self._references(*reference, report)
        return Outputs(self._file, said, labels, membership, references)

    def _references(self, name: str, form: Form, report: Advance) -> References:
        table = Table(self._values(name), form)
        for model in range(len(table.values)):
            self._check_values(name, table, model)
            report(1)
        labels = None
        if "reference_labels" in self._headers:
            labels = self._labels("reference_labels", table.values.shape[-1])
        return References(table, self._membership("reference_membership"), labels)

    def _table_of(self, whose: str) -> tuple[str, Form]:
        """The name of a table, and its form; raises DataError where it is not one of two."""
        logits, confidences = f"{whose}_logits", f"{whose}_confidences"
        if logits in self._headers and confidences in self._headers:
            raise DataError(
                f"'{self._file}' holds both '{logits}' and '{confidences}': leave one out"
            )
        if confidences in self._headers:
            return confidences, "confidences"
        if logits not in self._headers:
            raise self._archive.missing(logits)
        return logits, "logits"

    def _check_table(self, name: str, sides: tuple[str, ...]) -> tuple[int, ...]:
        header = self._headers[name]
        if header.dtype.kind != "f":
            raise self._flaw(name, f"is {header.dtype.name}: give floating-point numbers")
        if len(header.shape) != len(sides) or 0 in header.shape or header.shape[-1] < 2:
            raise self._flaw(
                name,
                f"has shape {header.shown_shape}: give ({', '.join(sides)}), two classes or more",
            )
        return header.shape

    def _check_labels(self, name: str, records: int) -> None:
        header = self._header(name)
        if header.dtype.kind not in "ui":
            raise self._flaw(name, f"is {header.dtype.name}: labels must be integers")
        if header.shape != (records,):
            raise self._flaw(
                name, f"has shape {header.shown_shape}, not ({records},): give a label a record"
            )

    def _check_membership(self, name: str, shape: tuple[int, ...], sides: str) -> None:
        check_flags(self._file, name, self._header(name), shape, sides)

    def _check_references(self, target: str, records: int, classes: int) -> tuple[str, Form]:
        name, form = self._table_of("reference")
        models, asked, told_apart = self._check_table(name, ("models", "records", "classes"))
        shown = self._headers[name].shown_shape
        if told_apart != classes:
            raise self._flaw(
                name, f"has shape {shown}, and '{target}' tells {classes} classes apart: both must"
            )
        if "reference_labels" in self._headers:
            self._check_labels("reference_labels", asked)
        elif asked != records:
            raise self._flaw(
                name,
                f"has shape {shown}, and '{target}' is of {records} records: ask the references "
                "about the same records, or give their own records' 'reference_labels'",
            )
        self._check_membership(
            "reference_membership", (models, asked), "the references and records"
        )
        return name, form

    def _header(self, name: str) -> Header:
        if name not in self._headers:
            raise self._archive.missing(name)
        return self._headers[name]

    def _values(self, name: str) -> np.ndarray:
        return self._archive.mapped(name, self._headers[name])

    def _membership(self, name: str) -> np.ndarray:
        return as_flags(self._file, name, self._values(name))

    def _labels(self, name: str, classes: int) -> np.ndarray:
        given = self._values(name)
        outside = np.flatnonzero((given < 0) | (given >= classes))
        if len(outside):
            raise self._flaw(
                name,
                f"holds {given[outside[0]]} (record {outside[0]}), and outputs tell {classes} "
                f"classes apart: labels are 0 to {classes - 1}",
            )
        return given.astype(np.int64)

    def _check_values(self, name: str, table: Table, model: int) -> None:
        """Raise DataError naming the first record of which ``model`` says what has no meaning."""
        said = table.values[model]
        of_model = f" of model {model}" if len(self._headers[name].shape) == 3 else ""

        def refuse(wrong: np.ndarray, what: str) -> None:
            places = np.flatnonzero(wrong.any(axis=-1) if wrong.ndim == 2 else wrong)
            if len(places):
                raise self._flaw(name, f"of record {places[0]}{of_model} {what}")

        refuse(np.isnan(said), "is NaN: mend what made it, or leave the record out")
        if table.form == "logits":
            refuse(
                np.isneginf(said).all(axis=-1),
                "is minus infinity for every class: mend what made it, or leave the record out",
            )
            return
        logits = name.replace("confidences", "logits")
        refuse(
            (said < 0) | (said > 1 + TOLERANCE),
            f"does not lie within 0 and 1: logits are to be saved as '{logits}'",
        )
        sums = said.sum(axis=-1, dtype=np.float64)
        refuse(
            np.abs(sums - 1) > TOLERANCE,
            f"does not sum to 1: save the softmax of all classes, or logits as '{logits}'",
        )

    def _flaw(self, name: str, what: str) -> DataError:
        return DataError(f"'{self._file}': '{name}' {what}")
