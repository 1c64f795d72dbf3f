"""Makes the certificate of a run's deletions from what lies in its folder."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mia_dual import __version__
from mia_dual.data.dataset import Dataset
from mia_dual.data.scaling import fit_scaling
from mia_dual.deletion.certificate import (
    CERTIFICATE_SCHEMA,
    STATEMENT,
    Certificate,
    CertifiedModel,
    CertifiedVersion,
    limits_of,
)
from mia_dual.deletion.ledger import Entry
from mia_dual.errors import StoreError
from mia_dual.store.files import checksum_of
from mia_dual.store.folder import read_index
from mia_dual.store.keys import CODE_SCHEMA, array_digest
from mia_dual.walks.finished import FinishedRun


def make_certificate(run: FinishedRun, entries: Sequence[Entry], dataset: Dataset) -> Certificate:
    """The certificate of ``run`` after ``entries``, one at least, of its ledger.

    ``dataset`` has the labels that the run's config asks for
    (:func:`mia_dual.plan.labels.configured`). Every file of weights is hashed. Raises StoreError
    naming the file where a version, a model or its weights are missing, or where a deleted record
    is among a model's training indices.
    """
    last = entries[-1]
    deleted = np.unique(np.concatenate([np.array(entry.records, np.int64) for entry in entries]))
    versions = versions_in_force(run, last)
    names = dict.fromkeys(name for version in versions.values() for name in version.models)
    scaled = fit_scaling(dataset, run.config.data.standardise, run.target.members) is not None
    scaling = array_digest(run.target.members) if scaled else None
    return Certificate(
        schema_version=CERTIFICATE_SCHEMA,
        package=__version__,
        code_schema=CODE_SCHEMA,
        environment=run.environment,
        entries=len(entries),
        ledger=last.digest,
        deleted=len(deleted),
        deleted_indices=array_digest(deleted),
        data=dataset.digest(),
        config=config_digest(run),
        # How closely a training is watched changes nothing of it.
        recipe=run.config.target.model_dump(mode="json", exclude={"curve"}),
        scaling=scaling,
        versions=versions,
        models=_models(run, list(names), deleted),
        statement=STATEMENT,
        limits=limits_of(scaling),
        digest="",
    ).sealed()


def versions_in_force(run: FinishedRun, last: Entry) -> dict[str, CertifiedVersion]:
    """What ``plan.json`` says of the versions that the ledger's ``last`` entry names, by target
    and method.

    Raises StoreError where it lacks one.
    """
    return {method: _version(run, name) for method, name in last.versions.items()}


def config_digest(run: FinishedRun) -> str:
    """SHA-256 of the file ``config.yaml``."""
    return _file_digest(run, "config.yaml")


def _version(run: FinishedRun, name: str) -> CertifiedVersion:
    version = run.versions.get(name)
    if version is None:
        raise StoreError(
            f"run '{run.path}': plan.json has no version '{name}', which the ledger's last entry "
            "says is in force: put plan.json and ledger.jsonl back as they were"
        )
    return CertifiedVersion(
        name=name,
        models=version.models,
        aggregation=version.aggregation,
        sizes=version.sizes,
    )


def _models(
    run: FinishedRun, names: Sequence[str], deleted: np.ndarray
) -> dict[str, CertifiedModel]:
    linked = read_index(run.path / "index.jsonl")
    found = {}
    for name in names:
        rows, file = run.members(name), f"models/{name}.safetensors"
        seen = np.intersect1d(rows, deleted)
        if len(seen):
            raise StoreError(
                f"run '{run.path}': plan.npz has record {seen[0]} among the training indices of "
                f"model '{name}', and the ledger says it is deleted: no such model can be certified"
            )
        if file not in linked:
            raise StoreError(
                f"run '{run.path}': index.jsonl does not name {file}: put it back as it was"
            )
        found[name] = CertifiedModel(
            key=linked[file].key,
            weights=_file_digest(run, file),
            indices=array_digest(rows),
            records=len(rows),
            slices=tuple(map(array_digest, run.slices(name))),
            seed=run.config.seed,
            drawn_as=run.plan.models[name].drawn_as,
        )
    return found


def _file_digest(run: FinishedRun, name: str) -> str:
    try:
        return checksum_of(run.path / name)
    except OSError as error:
        raise StoreError(
            f"run '{run.path}': {name} cannot be read ({error.strerror}): put it back as it was"
        ) from error
