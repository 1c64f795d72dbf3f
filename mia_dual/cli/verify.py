"""``mia-dual verify``: whether a run's deletions are what its certificate says."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, List, Literal, Optional, Union  # noqa: UP035

import typer

from mia_dual.cli.options import (
    DATA_DIR,
    ENGINE,
    GPUS,
    JSON,
    MEMORY,
    QUIET,
    RAY_ADDRESS,
    RESOURCES,
    WORKERS,
    EngineName,
    Together,
    cluster_of,
    execution_of,
)

if TYPE_CHECKING:
    from mia_dual.walks.verify import Verified


def verify(
    path: Path = typer.Argument(
        ..., metavar="RUN", help="The folder of a run from which records were deleted."
    ),
    retrain: Optional[str] = typer.Option(
        None,
        metavar="N|all",
        help="Train so many of the models in force again, the last retrained first, and compare "
        "their weights.",
    ),
    key: Optional[Path] = typer.Option(
        None, metavar="PUB.pem", help="The public Ed25519 key that must have signed it."
    ),
    data_dir: Optional[Path] = DATA_DIR,
    memory: Optional[str] = MEMORY,
    workers: Optional[int] = WORKERS,
    engine_name: EngineName = ENGINE,
    ray_address: Optional[str] = RAY_ADDRESS,
    gpus: float = GPUS,
    resources: List[str] = RESOURCES,  # noqa: UP006
    quiet: bool = QUIET,
    as_json: bool = JSON,
) -> None:
    """Check a run's ledger of deletions, its certificate, and all that these have digests of."""
    from mia_dual.cli.telling import Telling
    from mia_dual.data.load import dataset_of
    from mia_dual.deletion.signing_keys import read_public_key
    from mia_dual.engine import Engine
    from mia_dual.walks.finished import FinishedRun
    from mia_dual.walks.verify import verify_run

    wanted = _count(retrain)
    cluster = cluster_of(engine_name, ray_address, gpus, resources)
    trusted = None if key is None else read_public_key(key)
    run = FinishedRun(path)
    config = run.config
    telling = Telling(quiet, as_json)
    progress = telling.progress

    def engine() -> Engine:
        # Asked for when environment.json is found as certified: so that bits can be the same.
        together = Together(run.environment.get("together", "auto"))
        execution = execution_of(together, memory, workers)
        return working.enter_context(Engine(config.backend, config.device, execution, cluster))

    with ExitStack() as working:
        found = verify_run(
            run,
            lambda: dataset_of(config, data_dir=data_dir, progress=progress),
            engine,
            wanted,
            progress,
            trusted,
        )
    *lines, last = _lines(found, config.data.name)
    for line in lines:
        telling.say(line)
    telling.end(last, lambda: _document(found))


def _document(found: Verified) -> dict[str, Any]:
    """What ``--json`` prints; certificate.json has the certificate itself."""
    from dataclasses import asdict

    return {
        "certificate": found.certificate.digest,
        "entries": found.certificate.entries,
        "deleted": found.certificate.deleted,
        "models": len(found.certificate.models),
        "signed": None if found.signed is None else asdict(found.signed),
        "retrained": list(found.retrained),
        "difference": found.difference,
        "elsewhere": found.elsewhere,
    }


def _count(text: Optional[str]) -> Union[int, Literal["all"]]:
    from mia_dual.errors import ConfigError
    from mia_dual.quoting import quoted

    if text is None:
        return 0
    if text == "all":
        return "all"
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text)):
        raise ConfigError(f"--retrain {quoted(text)} is no count of models: give 1 or more, or all")
    return int(text)


def _lines(found: Verified, data: str) -> list[str]:
    from mia_dual.deletion.signature import PROVES

    certificate = found.certificate
    models, entries = len(certificate.models), certificate.entries
    lines = [
        f"ledger.jsonl: {entries} {'entry' if entries == 1 else 'entries'}, each of the one "
        f"before; {certificate.deleted} records are deleted",
        f"certificate.json: as written, of the last entry; digest {certificate.digest}",
        f"certificate.sig: {_signed(found)}",
        f"config.yaml and data '{data}': as certified",
        f"plan.npz: training indices of {models} models as certified, none of a deleted record",
        f"models/: {models} files as certified",
    ]
    if found.signed is not None:
        lines.append(PROVES)
    if not found.retrained:
        return [*lines, "no model was trained again: --retrain all compares weights, too"]
    same = "bit for bit" if not found.difference else f"to {found.difference:.2g} of the largest"
    lines.append(f"{len(found.retrained)} of {models} models trained again: equal {same}")
    if found.elsewhere:
        lines.append(f"trained elsewhere than certified: {found.elsewhere}")
    return lines


def _signed(found: Verified) -> str:
    if found.signed is None:
        return (
            "none: the certificate is not signed, so whoever can write the folder may have made it"
        )
    by = f"signed by the key of fingerprint {found.signed.fingerprint}"
    if found.signed.trusted:
        return f"{by}, which is the key given"
    return f"{by}, not checked against a key you trust: --key PUB.pem does"
