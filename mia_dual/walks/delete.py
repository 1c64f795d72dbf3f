"""The walk of a request to delete: a longer plan for a finished run, of which little is new."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Optional

import numpy as np
from pydantic import ValidationError

from mia_dual.config import Config
from mia_dual.data.dataset import Dataset
from mia_dual.deletion.certificate import encode as encode_certificate
from mia_dual.deletion.ledger import Entry, encode, make_entry, read_ledger
from mia_dual.deletion.signature import sign
from mia_dual.engine import Engine
from mia_dual.errors import ConfigError, StoreError
from mia_dual.plan.draft import plan_dataset
from mia_dual.plan.labels import configured
from mia_dual.plan.plan import Plan
from mia_dual.plan.requests import read_indices
from mia_dual.progress import Progress
from mia_dual.quoting import one_line, quoted
from mia_dual.report.results import Results
from mia_dual.seeds import generator
from mia_dual.store.folder import CERTIFICATE, LEDGER, PENDING, SIGNATURE, RunFolder
from mia_dual.walks.certify import make_certificate
from mia_dual.walks.finished import FinishedRun
from mia_dual.walks.run import run_audit

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

LONGEST = 120
"""Characters of a request's name."""


@dataclass(frozen=True)
class Wanted:
    """What is to be deleted: one of these is given, or none where what was begun goes on.

    ``ratio``: a share of the original members, drawn at random among those left. ``group``: all
    that is left of a group. ``label``: all that is left of a class.
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


def delete_records(
    config: Config,
    wanted: Wanted,
    engine: Engine,
    dataset: Dataset,
    folder: RunFolder,
    progress: Progress,
    key: Optional[Ed25519PrivateKey] = None,
) -> tuple[Entry, Results]:
    """Carry out a request on the finished run in ``folder``, or go on with one that was begun.

    The versions in force stay so until all that takes their place is there. ``key`` signs the
    certificate; without one, a signature of the certificate before is removed. Raises ConfigError
    or StoreError, a line, where nothing can be deleted: nothing has changed then.
    """
    if config.targets > 1:
        raise ConfigError(
            f"run '{folder.path}' has {config.targets} targets, and a request is to one: delete "
            "from a run of targets: 1"
        )
    if not folder.has_results():
        raise StoreError(
            f"run '{folder.path}' is not finished (it has no results.json): the command that began "
            "it goes on with it"
        )
    entries = read_ledger(folder.path / LEDGER)
    name, entry = wanted.name, _begun(folder, entries)
    if entry is not None and name not in (None, entry.request):
        raise StoreError(
            f"run '{folder.path}': the deletion of {quoted(entry.request)} was begun and is not "
            "finished: mia-dual delete with no request goes on with it; then ask again"
        )
    if entry is None:
        if name is None:
            raise ConfigError(
                "name what to delete: --records, --indices, --ratio, --class or --group"
            )
        entry = _draft(config, dataset, entries, name, wanted)
        folder.write(PENDING, encode(entry).encode())
    results = run_audit(config, engine, dataset, folder, progress, [entry])
    certificate = make_certificate(
        FinishedRun(folder.path), [*entries, entry], configured(dataset, config)
    )
    content = encode_certificate(certificate).encode()
    folder.write(CERTIFICATE, content)
    # After the certificate: an interruption leaves a signature of the one before, which does not
    # fit, and not a certificate in force that has lost its own.
    if key is None:
        folder.remove(SIGNATURE)
    else:
        folder.write(SIGNATURE, sign(content, key).encode())
    folder.append(LEDGER, encode(entry))
    folder.remove(PENDING)
    return entry, results


def _begun(folder: RunFolder, entries: Sequence[Entry]) -> Optional[Entry]:
    """The request that was begun and is in no entry yet."""
    file = folder.path / PENDING
    if not file.exists():
        return None
    try:
        found = Entry.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        found = None
    if found is None or found.digest != found.computed():
        raise StoreError(
            f"'{file}' was changed: remove it, and ask for the deletion again; no version in "
            "force rests on it"
        )
    if found in entries:
        # All was done but for this.
        folder.remove(PENDING)
        return None
    return found


def _draft(
    config: Config, dataset: Dataset, entries: Sequence[Entry], name: str, wanted: Wanted
) -> Entry:
    """The entry of a new request: what it deletes, and what that retrains."""
    labelled, plan = plan_dataset(config, dataset, entries)
    records = _resolve(wanted, plan, labelled.labels, entries)
    chosen = records.tolist()
    draft = make_entry(entries, name, chosen, {}, {})
    _, longer = plan_dataset(config, dataset, [*entries, draft])
    in_force: dict[str, str] = {
        deletion.method: deletion.after
        for deletion in longer.deletions
        if deletion.request.name == f"request {draft.number}"
    }
    return make_entry(
        entries,
        name,
        chosen,
        in_force,
        {method: longer.versions[version].retrained for method, version in in_force.items()},
    )


def _resolve(
    wanted: Wanted, plan: Plan, labels: np.ndarray, entries: Sequence[Entry]
) -> np.ndarray:
    """The record indices that a request deletes, sorted: members that are not deleted yet."""
    members = plan.split.target.members
    gone = np.array([record for entry in entries for record in entry.records], np.int64)
    left = np.setdiff1d(members, gone)
    if wanted.records is not None:
        chosen = np.unique(np.array(_members(wanted.records, members), np.int64))
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
    if len(chosen) == len(left):
        raise ConfigError(
            f"the request would delete all {len(left)} members that are left: keep some"
        )
    lost = np.setdiff1d(labels[left], labels[np.setdiff1d(left, chosen)])
    if len(lost) and wanted.label is None:
        raise ConfigError(
            f"the request would leave no member of class {lost[0]}: say so with --class {lost[0]}, "
            "or keep one"
        )
    return chosen


def _members(records: Sequence[int], members: np.ndarray) -> Sequence[int]:
    known = set(members.tolist())
    for record in records:
        if record not in known:
            raise ConfigError(
                f"--records: {record} is no member of the target under audit (plan.npz lists them "
                "as target_members)"
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
    chosen = np.intersect1d(plan.groups[group].records, left)
    if not len(chosen):
        raise ConfigError(f"--group {group}: no audited member of it is left")
    return chosen
