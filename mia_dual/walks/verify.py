"""Verifies a run's certificate: makes it again from the folder, and models again from nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Callable, Literal, Optional, Union

import numpy as np

from mia_dual import __version__
from mia_dual.data.dataset import Dataset
from mia_dual.data.scaling import fit_scaling
from mia_dual.deletion.certificate import Certificate, certificate_bytes, decode
from mia_dual.deletion.ledger import Entry, read_ledger
from mia_dual.deletion.signature import Signed, check_signature
from mia_dual.engine import Engine
from mia_dual.errors import StoreError, UnwritableError
from mia_dual.interface import Weights
from mia_dual.plan.labels import configured
from mia_dual.plan.plan import PlannedModel
from mia_dual.progress import Progress
from mia_dual.store.folder import CERTIFICATE, LEDGER, RunFolder
from mia_dual.store.keys import CODE_SCHEMA
from mia_dual.store.objects import Store
from mia_dual.training.family import Member
from mia_dual.training.planned import dataset_family, planned_member
from mia_dual.training.trainer import Trainer
from mia_dual.walks.certify import config_digest, make_certificate, versions_in_force
from mia_dual.walks.finished import FinishedRun

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

TOLERANCE = 1e-3
"""How far weights that were trained elsewhere may lie apart: a share of their array's largest.

Between the two frameworks, ConvNets of 3 epochs on 150 digits differ by 2e-7; of 40 epochs, where
rounding grows, by 3e-7 to 0.03. One more or one other training record moves them by 0.09 at least.
So what is within this is no other training, and what is beyond may still be rounding.
"""


@dataclass(frozen=True)
class Verified:
    """What was found to be as it was certified.

    ``signed``: by which key the certificate is signed, None where it is not. ``retrained``: models
    trained again. ``elsewhere``: how code and environment differ from those certified, empty where
    they do not. ``difference``: the largest between weights in force and trained again, as a share
    of their array's largest; 0 is bit for bit, None where none was trained.
    """

    certificate: Certificate
    signed: Optional[Signed] = None
    retrained: tuple[str, ...] = ()
    elsewhere: str = ""
    difference: Optional[float] = None


def verify_run(
    run: FinishedRun,
    dataset: Callable[[], Dataset],
    engine: Callable[[], Engine],
    retrain: Union[int, Literal["all"]],
    progress: Progress,
    key: Optional[Ed25519PublicKey] = None,
) -> Verified:
    """Verify the certificate of ``run``, and train ``retrain`` of the models in force again.

    ``dataset`` and ``engine`` are those of ``run.config``; they are asked for once that is found
    to be as certified, and the engine only where something is trained. The models retrained last
    come first. They are trained from nothing, all that was stored left aside, and must equal those
    in force bit for bit, or lie within ``TOLERANCE`` where code or environment are not the
    certified ones. A signature must fit its certificate, and be by ``key`` where one is given.
    Raises StoreError naming what was altered, or is not signed so.
    """
    content = certificate_bytes(run.path)
    certified = decode(run.path / CERTIFICATE, content)
    signed = check_signature(run.path, content, key)
    entries = read_ledger(run.path / LEDGER)
    _check_ledger(run, certified, entries)
    if config_digest(run) != certified.config:
        raise _altered(run, "config.yaml", "it is not the file that was certified")
    if versions_in_force(run, entries[-1]) != certified.versions:
        raise _altered(
            run, "plan.json", "the versions in force are not of the models and sizes certified"
        )
    records = configured(dataset(), run.config)
    if records.digest() != certified.data:
        raise StoreError(
            f"data '{records.name}' was altered: its features and labels do not have the digest "
            f"certified in '{run.path / CERTIFICATE}': verify with the data that the run was on"
        )
    found = make_certificate(run, entries, records)
    for file, reason in _differences(certified, found):
        raise _altered(run, file, reason)
    names = _latest_first(certified, entries)
    chosen = names if retrain == "all" else names[:retrain]
    if not chosen:
        return Verified(certified, signed)
    return _retrain(run, Verified(certified, signed), chosen, records, engine(), progress)


def _check_ledger(run: FinishedRun, certified: Certificate, entries: Sequence[Entry]) -> None:
    if not entries or entries[-1].digest != certified.ledger:
        raise StoreError(
            f"run '{run.path}': {LEDGER} was altered, or {CERTIFICATE} is of another deletion: "
            f"that is certified after {certified.entries} entries, and the last of the ledger's "
            f"{len(entries)} is not the last certified; put them back, or repeat a deletion that "
            "was interrupted"
        )


def _differences(certified: Certificate, found: Certificate) -> Iterator[tuple[str, str]]:
    """Each file that is not as certified, and what of it."""
    if found.scaling != certified.scaling:
        yield "plan.npz", "'target_members' are not the indices certified"
    if (found.entries, found.deleted, found.deleted_indices) != (
        certified.entries,
        certified.deleted,
        certified.deleted_indices,
    ):
        yield CERTIFICATE, "the deleted records are not the ledger's"
    if found.recipe != certified.recipe:
        yield CERTIFICATE, "its recipe is not that of config.yaml"
    if found.environment != certified.environment:
        yield "environment.json", "it does not say what was certified"
    for name in dict.fromkeys([*certified.models, *found.models]):
        here, there = found.models.get(name), certified.models.get(name)
        if here is None or there is None:
            yield CERTIFICATE, f"model '{name}' is not certified, or not in force"
            continue
        if (here.indices, here.records) != (there.indices, there.records):
            yield "plan.npz", f"'members/{name}' are not the indices certified"
        if here.slices != there.slices:
            yield "plan.npz", f"'slice/{name}' are not the slices certified"
        if here.drawn_as != there.drawn_as:
            yield "plan.json", f"model '{name}' is drawn under another name than certified"
        if here.weights != there.weights:
            yield f"models/{name}.safetensors", "its SHA-256 is not the one certified"
        if here.key != there.key:
            yield "index.jsonl", f"the key of model '{name}' is not the one certified"
        if here.seed != there.seed:
            yield CERTIFICATE, f"the seed of model '{name}' is not that of config.yaml"


def _latest_first(certified: Certificate, entries: Sequence[Entry]) -> list[str]:
    """The models in force, those retrained last first."""
    retrained = [
        name
        for entry in reversed(entries)
        for names in entry.retrained.values()
        for name in names
        if name in certified.models
    ]
    return list(dict.fromkeys([*retrained, *certified.models]))


def _retrain(
    run: FinishedRun,
    verified: Verified,
    names: Sequence[str],
    records: Dataset,
    engine: Engine,
    progress: Progress,
) -> Verified:
    config, certified = run.config, verified.certificate
    scaling = fit_scaling(records, config.data.standardise, run.target.members)
    family = dataset_family(config.target, config.data.image_size, records, scaling)
    members = {name: _member(run, name, certified.models[name].seed) for name in names}
    elsewhere = _elsewhere(certified, engine.environment)
    largest = 0.0
    with _scratch_folder() as path, RunFolder(path, config, Store(path.parent / "store")) as folder:
        trainer = Trainer(engine, folder, progress)
        for name, trained in trainer.train("verify", family, members).items():
            if trained.entry.sha256 == certified.models[name].weights:
                continue
            apart = _apart(run.weights(name), trainer.weights(trained))
            # Not the other way round, since a share may be no number.
            if not (elsewhere and apart <= TOLERANCE):
                raise _other_model(run, name, apart, elsewhere)
            largest = max(largest, apart)
    return replace(verified, retrained=tuple(names), elsewhere=elsewhere, difference=largest)


@contextmanager
def _scratch_folder() -> Iterator[Path]:
    """A run folder, to be made, for what is trained again; StoreError where there is no room."""
    place = tempfile.gettempdir()
    try:
        with tempfile.TemporaryDirectory(prefix="mia-dual-verify-", dir=place) as path:
            yield Path(path) / "run"
    except UnwritableError as error:
        raise StoreError(
            f"'{place}' has no room for models that are trained again: set TMPDIR to a folder "
            "with room"
        ) from error


def _member(run: FinishedRun, name: str, seed: int) -> Member:
    """How ``name`` is trained from nothing."""
    found = run.plan.models[name]
    model = PlannedModel(
        name,
        found.role,
        found.recipe,
        run.members(name),
        run.asked(name),
        run.slices(name),
        drawn_as=found.drawn_as,
    )
    return planned_member(model, run.config.target.epochs, seed)


def _elsewhere(certified: Certificate, environment: Mapping[str, str]) -> str:
    here = {**environment, "mia-dual": __version__, "code schema": str(CODE_SCHEMA)}
    there = {
        **certified.environment,
        "mia-dual": certified.package,
        "code schema": str(certified.code_schema),
    }
    return ", ".join(
        f"{key} was {there.get(key)}, is {value}"
        for key, value in here.items()
        if there.get(key) != value
    )


def _apart(ours: Weights, theirs: Weights) -> float:
    """The largest difference of any value, as a share of its array's largest in ``ours``."""
    if ours.keys() != theirs.keys():
        return np.inf
    shares = [0.0]
    for name, array in ours.items():
        other = theirs[name]
        if array.shape != other.shape:
            return np.inf
        first, second = array.astype(np.float64), other.astype(np.float64)
        difference = float(np.abs(first - second).max(initial=0.0))
        size = float(np.abs(first).max(initial=0.0))
        shares.append(difference / size if size else (np.inf if difference else 0.0))
    return np.inf if np.isnan(shares).any() else max(shares)


def _other_model(run: FinishedRun, name: str, apart: float, elsewhere: str) -> StoreError:
    told = "in names or shapes" if np.isinf(apart) else f"by {apart:.2g} of the largest weight"
    if elsewhere:
        end = (
            f"and {TOLERANCE:g} is allowed where code or environment are others ({elsewhere}): "
            "verify it where it was certified, since weights are equal bit for bit only there"
        )
    else:
        end = "so it was altered before it was certified, or trained on something else"
    return StoreError(
        f"run '{run.path}': models/{name}.safetensors is not what training on the certified "
        f"indices gives: it differs {told}, {end}"
    )


def _altered(run: FinishedRun, file: str, reason: str) -> StoreError:
    return StoreError(
        f"run '{run.path}': {file} was altered since it was certified: {reason}; put it back as "
        "it was"
    )
