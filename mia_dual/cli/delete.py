"""``mia-dual delete`` and ``mia-dual log``: requests to delete, and what became of them."""

from __future__ import annotations

import time
from pathlib import Path
from typing import List, Optional  # noqa: UP035  (Typer reads these on Python 3.9)

import typer

from mia_dual.cli.options import (
    ADOPT,
    DATA_DIR,
    ENGINE,
    FULL,
    GPUS,
    JSON,
    LANG,
    MEMORY,
    PAGE,
    QUIET,
    RAY_ADDRESS,
    RESOURCES,
    STORE,
    TOGETHER,
    TRACK,
    WORKERS,
    EngineName,
    Together,
    cluster_of,
    execution_of,
)

SHOW_RECORDS = typer.Option(
    True,
    "--show-records/--no-records",
    help="Show the most exposed records on the page, which may be personal data.",
)
RUN = typer.Argument(..., help="The folder of a finished run.")


def delete(
    run: Path = RUN,
    records: Optional[str] = typer.Option(None, help="Record indices, as in 5,17."),
    indices: Optional[Path] = typer.Option(None, help="A text file of record indices, one a line."),
    ratio: Optional[float] = typer.Option(
        None, help="A share of the original members of all targets, drawn among those left."
    ),
    label: Optional[int] = typer.Option(None, "--class", help="All that is left of a class."),
    group: Optional[int] = typer.Option(None, help="All that is left of a group, of every target."),
    sign: Optional[Path] = typer.Option(
        None,
        metavar="KEY.pem",
        help="Sign the certificate with this private Ed25519 key; MIA_DUAL_KEY_PASSPHRASE decrypts "
        "it.",
    ),
    data_dir: Optional[Path] = DATA_DIR,
    store: Optional[Path] = STORE,
    adopt: bool = ADOPT,
    together: Together = TOGETHER,
    memory: Optional[str] = MEMORY,
    workers: Optional[int] = WORKERS,
    engine_name: EngineName = ENGINE,
    ray_address: Optional[str] = RAY_ADDRESS,
    gpus: float = GPUS,
    resources: List[str] = RESOURCES,  # noqa: UP006
    page: bool = PAGE,
    lang: str = LANG,
    show_records: bool = SHOW_RECORDS,
    trackers: List[str] = TRACK,  # noqa: UP006
    full: bool = FULL,
    quiet: bool = QUIET,
    as_json: bool = JSON,
) -> None:
    """Delete records from a finished run: retrain what held them, attack again, note it down.

    Requests add up. Without a request, what was begun and cut off goes on.
    """
    from mia_dual.cli.damage import tell_damage, tell_offered, tell_replaced
    from mia_dual.cli.paging import Paging
    from mia_dual.cli.telling import Telling
    from mia_dual.cli.tracking import tell_trackers
    from mia_dual.data.load import dataset_of
    from mia_dual.deletion.signing_keys import fingerprint_of, read_private_key
    from mia_dual.engine import Engine
    from mia_dual.report.tables import print_deletion
    from mia_dual.store.folder import REPORT, SIGNATURE, RunFolder
    from mia_dual.store.objects import Store, store_folder
    from mia_dual.tracking.places import places_of
    from mia_dual.tracking.record import run_record
    from mia_dual.walks.delete import delete_records
    from mia_dual.walks.finished import run_config
    from mia_dual.walks.wanted import Wanted

    paging = Paging(page, lang, show_records)
    config = run_config(run)
    places = places_of(trackers)
    key = None if sign is None else read_private_key(sign)
    wanted = Wanted(_numbers(records), indices, ratio, label, group)
    cluster = cluster_of(engine_name, ray_address, gpus, resources)
    execution = execution_of(together, memory, workers)
    engine = Engine(config.backend, config.device, execution, cluster)
    telling = Telling(quiet, as_json)
    progress = telling.progress
    dataset = dataset_of(config, data_dir=data_dir, progress=progress)
    started = time.perf_counter()
    run_folder = RunFolder(run, config, Store(store_folder(store, run.parent)), adopt=adopt)
    with run_folder as folder, engine, telling.working():
        tell_offered(folder)
        was_signed = (run / SIGNATURE).exists()
        entry, results = delete_records(config, wanted, engine, dataset, folder, progress, key)
    seconds = time.perf_counter() - started
    print_deletion(results, entry.of, telling.console, full)
    if full:
        telling.say_memory()
    tell_damage(folder.store)
    tell_replaced(folder)
    fingerprint = None if key is None else fingerprint_of(key.public_key())
    if fingerprint is not None:
        telling.say(f"{run / SIGNATURE}: signed, fingerprint {fingerprint}")
    elif was_signed:
        telling.say(
            f"{run / SIGNATURE} was of the deletion before and is removed: this one is not signed "
            "(--sign)"
        )
    written = paging.of_runs([run], run / REPORT, telling, dataset=dataset)
    if written is not None:
        telling.say(f"{written} shows it")
    found = [one for one in results.deletion if one.request == entry.of]
    count, steps = sum(map(len, entry.retrained.values())), sum(one.steps for one in found)
    telling.end(
        f"request {entry.number} ({entry.request}): {len(entry.records)} deleted, {entry.deleted} "
        f"in all; {count} models retrained in {steps:,} steps, {seconds:.1f} s in all; "
        f"{run / 'ledger.jsonl'} says so",
        lambda: {
            "request": entry.model_dump(mode="json"),
            "seconds": seconds,
            "fingerprint": fingerprint,
            "deletion": [one.model_dump(mode="json") for one in found],
        },
    )
    tell_trackers(places, lambda: [run_record(run)], telling.console)


def log(run: Path = RUN, quiet: bool = QUIET, as_json: bool = JSON) -> None:
    """Show what was deleted from a run by request, and what that retrained."""
    from rich import box
    from rich.table import Table

    from mia_dual.cli.telling import Telling
    from mia_dual.deletion.ledger import read_ledger
    from mia_dual.store.folder import LEDGER, PENDING
    from mia_dual.walks.finished import run_config

    run_config(run)
    entries = read_ledger(run / LEDGER)
    telling = Telling(quiet, as_json)
    table = Table(box=box.SIMPLE_HEAD, padding=0)
    for title in ("no.", "request", "deleted", "in all", "method", "in force since", "retrained"):
        widest = 24 if title == "request" else None
        # Names that are looked for elsewhere stay in one piece.
        whole = title == "in force since"
        table.add_column(title, max_width=widest, overflow="fold", no_wrap=whole)
    for entry in entries:
        told = [str(entry.number), entry.request, str(len(entry.records)), str(entry.deleted)]
        for method, version in entry.versions.items():
            table.add_row(*told, method, version, str(len(entry.retrained[method])))
            told = [""] * len(told)
    is_pending = (run / PENDING).exists()
    if entries:
        telling.console.print(table)
    if is_pending:
        telling.say("a request was begun and is not finished: mia-dual delete goes on with it")
    telling.end(
        f"the chain ends in {entries[-1].digest}" if entries else "nothing was deleted by request",
        lambda: {
            "entries": [entry.model_dump(mode="json") for entry in entries],
            "pending": is_pending,
        },
    )


def _numbers(text: Optional[str]) -> Optional[tuple[int, ...]]:
    from mia_dual.errors import ConfigError
    from mia_dual.plan.requests import MOST_DIGITS
    from mia_dual.quoting import quoted

    if text is None:
        return None
    words = [word.strip() for word in text.split(",")]
    for word in words:
        if not (word.isascii() and word.isdecimal()) or len(word) > MOST_DIGITS:
            raise ConfigError(f"--records {quoted(text)}: write record indices, as in 5,17")
    return tuple(map(int, words))
