"""The ledger of a run: which requests to delete were carried out, in which order, and by what.

``ledger.jsonl`` is append-only, an entry a line. Each entry holds the digest of the one before, so
that none can be changed, taken out or put in without all that follow showing it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from mia_dual.errors import StoreError
from mia_dual.plan.plan import FIRST

RecordIndex = Annotated[int, Field(ge=0, le=2**63 - 1)]
"""What fits an int64."""

REQUEST = "request "
"""Begins the name that an entry has in plan and results, before its number."""

START = "0" * 64
"""Stands before the first entry."""


class Entry(BaseModel):
    """One request that was carried out.

    ``records``: those it deletes, sorted, none of them deleted before. ``deleted``: how many are
    deleted with it and all before it. ``versions``: for each method the version in force since,
    of the first target under the method's name, of others behind their own: ``target-01 full``. A
    target has a version of before in force where it had nothing to delete. ``retrained``: under
    the same names the models trained for it.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    number: int = Field(ge=1)
    request: str = Field(min_length=1, max_length=200)
    records: tuple[RecordIndex, ...] = Field(min_length=1)
    deleted: int = Field(ge=1)
    versions: dict[str, str]
    retrained: dict[str, tuple[str, ...]]
    previous: str
    digest: str

    @model_validator(mode="after")
    def _same_names(self) -> Entry:
        if self.versions.keys() != self.retrained.keys():
            raise ValueError("versions and retrained are of other names")
        return self

    @property
    def of(self) -> str:
        """What plan and results name the request."""
        return f"{REQUEST}{self.number}"

    def computed(self) -> str:
        """The digest that this entry's content has."""
        content = self.model_dump(mode="json", exclude={"digest"})
        text = json.dumps(content, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()


def make_entry(
    before: Sequence[Entry],
    request: str,
    records: Sequence[int],
    versions: dict[str, str],
    retrained: dict[str, tuple[str, ...]],
) -> Entry:
    """The entry that comes after ``before``."""
    draft = Entry(
        number=len(before) + 1,
        request=request,
        records=tuple(sorted(records)),
        deleted=sum(len(entry.records) for entry in before) + len(records),
        versions=versions,
        retrained=retrained,
        previous=before[-1].digest if before else START,
        digest="",
    )
    return draft.model_copy(update={"digest": draft.computed()})


def of_whom(target: str, method: str) -> str:
    """Under which name an entry has what ``method`` did to ``target``."""
    return method if target == FIRST else f"{target} {method}"


def read_ledger(file: Path) -> list[Entry]:
    """The entries in ``file``; none where it is not there: nothing was deleted by request.

    Raises StoreError naming the line where one is not as it was written, or does not follow from
    the one before.
    """
    if not file.exists():
        return []
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise StoreError(f"'{file}' cannot be read: put back what mia-dual wrote there") from error
    entries: list[Entry] = []
    seen: set[int] = set()
    for number, line in enumerate(lines, start=1):
        entry = _entry(line)
        before = entries[-1].digest if entries else START
        if (
            entry is None
            or entry.number != number
            or entry.previous != before
            or entry.digest != entry.computed()
            or seen.intersection(entry.records)
            or entry.deleted != len(seen) + len(entry.records)
        ):
            raise StoreError(
                f"'{file}' was changed: entry {number} is not what was written after the one "
                "before; put the file back as it was"
            )
        seen.update(entry.records)
        entries.append(entry)
    return entries


def encode(entry: Entry) -> str:
    """The line of ``ledger.jsonl`` that holds ``entry``."""
    return json.dumps(entry.model_dump(mode="json")) + "\n"


def _entry(line: str) -> Any:
    try:
        return Entry.model_validate_json(line)
    except ValidationError:
        return None
