"""``mia-dual attack``: the audit of saved outputs, without a framework."""

from __future__ import annotations

from pathlib import Path
from typing import List, Optional  # noqa: UP035  (Typer reads these on Python 3.9)

import typer

from mia_dual.cli.options import DEVICE, FULL, JSON, LANG, PAGE, QUIET, TRACK

USED = ("attack", "seed")
"""Settings that an audit of outputs depends on."""


def attack(
    outputs: Path = typer.Option(
        ...,
        help="An .npz file with target_logits or target_confidences (records, classes), labels and "
        "membership (records,), and reference_logits or reference_confidences (models, records, "
        "classes) with reference_membership (models, records); reference_labels where the "
        "references' records are others.",
    ),
    config: Optional[Path] = typer.Option(
        None, "--config", "-c", help="YAML settings, of which attack and seed are used."
    ),
    assignments: List[str] = typer.Option(  # noqa: UP006
        [], "--set", metavar="KEY=VALUE", help="One setting of attack; repeatable."
    ),
    seed: Optional[int] = typer.Option(None, min=0, help="Draws everything that is random."),
    backend: Optional[str] = typer.Option(
        None, help="Trains attack models that are networks; without it, the others run."
    ),
    device: Optional[str] = DEVICE,
    out: Optional[Path] = typer.Option(None, help="The run folder; else runs/attack-<outputs>."),
    store: Optional[Path] = typer.Option(
        None,
        help="Where scores are kept for all runs; else $MIA_DUAL_STORE, or the folder 'store' "
        "beside the run folder.",
    ),
    page: bool = PAGE,
    lang: str = LANG,
    trackers: List[str] = TRACK,  # noqa: UP006
    full: bool = FULL,
    quiet: bool = QUIET,
    as_json: bool = JSON,
) -> None:
    """Attack a model by what it said: saved outputs in, the results that run gives out."""
    from mia_dual.cli.damage import tell_damage
    from mia_dual.cli.paging import Paging
    from mia_dual.cli.telling import Telling
    from mia_dual.cli.tracking import tell_trackers
    from mia_dual.config import load_config
    from mia_dual.data.outputs import load_outputs
    from mia_dual.engine import Engine
    from mia_dual.errors import ConfigError
    from mia_dual.quoting import quoted
    from mia_dual.report.tables import print_results, rest_of
    from mia_dual.store.folder import REPORT, RunFolder
    from mia_dual.store.objects import Store, store_folder
    from mia_dual.tracking.places import places_of
    from mia_dual.tracking.record import run_record
    from mia_dual.walks.attack import attack_outputs, outputs_config

    for assignment in assignments:
        if assignment.partition("=")[0].partition(".")[0] not in USED:
            raise ConfigError(
                f"--set {quoted(assignment)}: saved outputs are attacked as {' and '.join(USED)} "
                "say, and nothing else changes that: leave it out"
            )
    paging = Paging(page, lang, records=False)
    places = places_of(trackers)
    asked = load_config(config, assignments, {"device": device, "seed": seed})
    engine = None if backend is None else Engine(backend, asked.device)
    telling = Telling(quiet, as_json)
    progress = telling.progress
    given = load_outputs(outputs, progress)
    settings = outputs_config(asked, given, backend)
    path = out or Path("runs") / f"attack-{outputs.stem}"
    with RunFolder(path, settings, Store(store_folder(store, path.parent))) as folder:
        results = attack_outputs(settings, given, engine, folder, progress)
    print_results(results, telling.console, full)
    if full:
        telling.say_memory()
    tell_damage(folder.store)
    written = paging.of_runs([path], path / REPORT, telling)
    telling.end(rest_of(path, full, written), lambda: results)
    tell_trackers(places, lambda: [run_record(path)], telling.console)
