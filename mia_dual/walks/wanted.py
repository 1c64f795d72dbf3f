"""What one request asks to delete, and which records these are."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Optional

import numpy as np

from mia_dual.deletion.ledger import Entry
from mia_dual.errors import ConfigError
from mia_dual.plan.plan import Plan
from mia_dual.plan.requests import read_indices
from mia_dual.quoting import one_line, quoted
from mia_dual.seeds import generator

LONGEST = 120
"""Characters of a request's name."""


@dataclass(frozen=True)
class Wanted:
    """What is to be deleted: one of these is given, or none where what was begun goes on.

    ``ratio``: a share of the records that were members of a target at first, drawn at random among
    those left. ``group``: all that is left of a group, of every target's. ``label``: all that is
    left of a class. What is deleted goes from every target that it is a member of.
    """

    records: Optional[tuple[int, ...]] = None
    indices: Optional[Path] = None
    ratio: Optional[float] = None
    label: Optional[int] = None
    group: Optional[int] = None

    @property
    def name(self) -> Optional[str]:
        """The request in words; None where nothing is asked for."""
        given = {
            "records": None if self.records is None else ",".join(map(str, self.records)),
            "indices": self.indices,
            "ratio": self.ratio,
            "class": self.label,
            "group": self.group,
        }
        named = [f"{key} {value}" for key, value in given.items() if value is not None]
        if len(named) > 1:
            raise ConfigError(
                f"a request is one of --{', --'.join(given)}, and two are given "
                f"({quoted(named[0])}, {quoted(named[1])}): ask one after the other"
            )
        if not named:
            return None
        digest = hashlib.sha256(named[0].encode()).hexdigest()[:12]
        # Long lists of records that begin alike are requests of two names.
        return one_line(named[0], LONGEST) + (f" ({digest})" if len(named[0]) > LONGEST else "")


def wanted_records(
    wanted: Wanted, plan: Plan, labels: np.ndarray, entries: Sequence[Entry]
) -> np.ndarray:
    """The record indices that a request deletes, sorted: members of a target, not deleted yet.

    ``plan`` is that of the run after ``entries``, and ``labels`` (records,) are those of all
    records. Raises ConfigError or DataError, a line, where they cannot be deleted.
    """
    members = np.unique(np.concatenate([target.membership.members for target in plan.targets]))
    gone = np.array([record for entry in entries for record in entry.records], np.int64)
    left = np.setdiff1d(members, gone)
    if wanted.records is not None:
        chosen = np.unique(np.array(_members(wanted.records, plan, members), np.int64))
    elif wanted.indices is not None:
        chosen = read_indices(wanted.indices, members, "--indices")
    elif wanted.ratio is not None:
        chosen = _drawn(wanted.ratio, plan, members, left, len(entries) + 1)
    elif wanted.label is not None:
        chosen = left[labels[left] == wanted.label]
        if not len(chosen):
            raise ConfigError(
                f"--class {wanted.label}: no member of that class is left; its classes are "
                f"{', '.join(map(str, np.unique(labels[left]).tolist()))}"
            )
    else:
        chosen = _of_group(wanted.group, plan, left)
    again = np.intersect1d(chosen, gone)
    if len(again):
        raise ConfigError(
            f"record {again[0]} is deleted already (mia-dual log shows by which request): leave it "
            "out"
        )
    for target in plan.targets:
        whose = "the target" if len(plan.targets) == 1 else target.name
        still = np.intersect1d(target.membership.members, left)
        _check_kept(chosen, still, labels, whose, may_lose_classes=wanted.label is not None)
    return chosen


def _check_kept(
    chosen: np.ndarray, left: np.ndarray, labels: np.ndarray, whose: str, may_lose_classes: bool
) -> None:
    """Raise ConfigError where deleting ``chosen`` takes all that is ``left``, or all of a class."""
    kept = np.setdiff1d(left, chosen)
    if not len(kept):
        raise ConfigError(
            f"the request would delete all {len(left)} members that are left of {whose}: keep some"
        )
    lost = np.setdiff1d(labels[left], labels[kept])
    if len(lost) and not may_lose_classes:
        raise ConfigError(
            f"the request would leave {whose} no member of class {lost[0]}: say so with --class "
            f"{lost[0]}, or keep one"
        )


def _members(records: Sequence[int], plan: Plan, members: np.ndarray) -> Sequence[int]:
    known = set(members.tolist())
    for record in records:
        if record not in known:
            raise ConfigError(
                f"--records: {record} is no member of the target under audit (plan.npz lists them "
                "as target_members)"
                if len(plan.targets) == 1
                else f"--records: {record} is no member of any target (plan.npz lists them as "
                "target_members, target-01/members and so on)"
            )
    return records


def _drawn(
    ratio: float, plan: Plan, members: np.ndarray, left: np.ndarray, number: int
) -> np.ndarray:
    if not 0 < ratio < 1:
        raise ConfigError(f"--ratio {ratio} is not between 0 and 1 (0.05 is 5 %)")
    count = max(round(ratio * len(members)), 1)
    if count > len(left):
        raise ConfigError(
            f"--ratio {ratio} is {count} of the original {len(members)} members, and {len(left)} "
            "are left: ask for fewer"
        )
    rng = generator(plan.seed, "deletion", "request", str(number))
    return np.sort(rng.choice(left, count, replace=False))


def _of_group(group: Optional[int], plan: Plan, left: np.ndarray) -> np.ndarray:
    if not plan.groups:
        raise ConfigError("--group: this run has no groups (deletion.methods has no grouped)")
    if group is None or not 0 <= group < len(plan.groups):
        raise ConfigError(f"--group {group}: the groups are 0 to {len(plan.groups) - 1}")
    records = np.concatenate([target.groups[group].records for target in plan.targets])
    chosen = np.intersect1d(records, left)
    if not len(chosen):
        raise ConfigError(f"--group {group}: no audited member of it is left")
    return chosen
