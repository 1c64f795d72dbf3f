"""The walk of a request to delete: a longer plan for a finished run, of which little is new."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Optional

from pydantic import ValidationError

from mia_dual.config import Config
from mia_dual.data.dataset import Dataset
from mia_dual.deletion.certificate import encode as encode_certificate
from mia_dual.deletion.ledger import REQUEST, START, Entry, encode, make_entry, of_whom, read_ledger
from mia_dual.deletion.signature import sign
from mia_dual.engine import Engine
from mia_dual.errors import ConfigError, StoreError
from mia_dual.plan.draft import plan_dataset
from mia_dual.plan.plan import Plan, of_target
from mia_dual.progress import Progress
from mia_dual.quoting import quoted
from mia_dual.report.results import Results
from mia_dual.store.files import checksum_of
from mia_dual.store.folder import CERTIFICATE, LEDGER, PENDING, SIGNATURE, RunFolder, read_index
from mia_dual.training.family import suited
from mia_dual.training.planned import plan_families, planned_member
from mia_dual.walks.certify import make_certificate
from mia_dual.walks.finished import FinishedRun
from mia_dual.walks.run import run_audit
from mia_dual.walks.wanted import Wanted, wanted_records

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


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
        # Whatever it lacks or has of another version is refused before anything changes.
        FinishedRun(folder.path)
    _check_config(folder)
    labelled, plan = plan_dataset(config, dataset, entries)
    _check_made_here(folder, config, labelled, plan, engine)
    if entry is None:
        assert name is not None
        entry = _draft(config, dataset, labelled, plan, entries, name, wanted)
        folder.write(PENDING, encode(entry).encode())
    results = run_audit(config, engine, dataset, folder, progress, [entry])
    certificate = make_certificate(FinishedRun(folder.path), [*entries, entry], labelled)
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
    last = entries[-1].digest if entries else START
    # All was done but for its removal where it is the last entry.
    follows = found is not None and (found in entries[-1:] or found.previous == last)
    if found is None or found.digest != found.computed() or not follows:
        raise StoreError(
            f"'{file}' was changed: remove it, and ask for the deletion again; no version in "
            "force rests on it"
        )
    if found in entries:
        folder.remove(PENDING)
        return None
    return found


def _draft(
    config: Config,
    dataset: Dataset,
    labelled: Dataset,
    plan: Plan,
    entries: Sequence[Entry],
    name: str,
    wanted: Wanted,
) -> Entry:
    """The entry of a new request: what it deletes, and what that retrains.

    ``labelled`` and ``plan`` are what ``dataset`` gives before it.
    """
    chosen = wanted_records(wanted, plan, labelled.labels, entries).tolist()
    draft = make_entry(entries, name, chosen, {}, {})
    _, longer = plan_dataset(config, dataset, [*entries, draft])
    versions: dict[str, str] = {}
    retrained: dict[str, tuple[str, ...]] = {}
    for target in longer.targets:
        for method, first in (("full", "original"), ("grouped", "groups")):
            if method in config.deletion.methods:
                versions[of_whom(target.name, method)] = of_target(target.name, first)
    for deletion in longer.deletions:
        if deletion.request.name.startswith(REQUEST):
            whom = of_whom(deletion.target, deletion.method)
            versions[whom] = deletion.after
            # Of a target that has nothing to delete, nothing is trained.
            if deletion.request.name == draft.of:
                retrained[whom] = longer.versions[deletion.after].retrained
    return make_entry(
        entries, name, chosen, versions, {whom: retrained.get(whom, ()) for whom in versions}
    )


def _check_config(folder: RunFolder) -> None:
    """Raise StoreError where ``config.yaml`` is not the file that the run was planned by."""
    planned = folder.read_json("plan.json")
    # Runs of earlier versions have none.
    noted = planned.get("config") if isinstance(planned, dict) else None
    if noted not in (None, checksum_of(folder.path / "config.yaml")):
        raise StoreError(
            f"run '{folder.path}': config.yaml is not what the run was planned by: put it back as "
            "it was; or, where it means the same, give it to mia-dual run with the same --out first"
        )


def _check_made_here(
    folder: RunFolder, config: Config, labelled: Dataset, plan: Plan, engine: Engine
) -> None:
    """Raise StoreError where models of the run would be others if they were made here and now.

    Then all would be trained anew, and take the place of those that are to be kept whole.
    """
    record = folder.read_json("environment.json")
    engine.recall(record)
    families = plan_families(plan, config, labelled)
    models = [model for model in plan.models.values() if model.recipe in families]
    if not models:
        # A target that was given, and shadows of made records: nothing to make again.
        return
    model = models[0]
    member = planned_member(model, plan.recipes[model.recipe].epochs, plan.seed)
    family, members = suited(families[model.recipe], {model.name: member}, engine.capabilities)
    key = family.keys(engine.environment, members[model.name])[-1]
    linked = read_index(folder.path / "index.jsonl").get(f"models/{model.name}.safetensors")
    if linked is None:
        raise StoreError(
            f"run '{folder.path}': index.jsonl does not name model '{model.name}': the command "
            "that made the run makes it again from what is stored"
        )
    if linked.key == key:
        return
    there = record.get("environment", {}) if isinstance(record, dict) else {}
    differs = [
        f"{name} was {there.get(name)}, is {value}"
        for name, value in engine.environment.items()
        if there.get(name) != value
    ]
    told = ", ".join(differs) or "of mia-dual or of the data"
    raise StoreError(
        f"run '{folder.path}' was made with another version ({told}), so that a deletion would "
        "train all its models anew: delete where and as it was made, or run its config.yaml again "
        "into the same folder first, which keeps to its ledger"
    )
