"""The audit as a function, for scripts and notebooks: what the command line does, and no more.

Errors are those of :mod:`mia_dual.errors`, each message one line.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, Union

from mia_dual.config import Config, checked, load_config
from mia_dual.data.load import dataset_of
from mia_dual.data.outputs import load_outputs
from mia_dual.engine import Engine
from mia_dual.progress import Progress, Silent
from mia_dual.report.results import Results
from mia_dual.store.folder import RunFolder
from mia_dual.store.keys import key_of
from mia_dual.store.objects import Store, store_folder

if TYPE_CHECKING:
    from mia_dual.tracking.places import Place as Tracking

Place = Union[str, Path]

Settings = Union[Config, Mapping[str, Any], str, Path, None]
"""A config: made already, nested as in YAML, in a YAML file, or None for the defaults."""


def audit(
    config: Settings = None,
    *,
    out: Optional[Place] = None,
    store: Optional[Place] = None,
    backend: Optional[str] = None,
    data_dir: Optional[Place] = None,
    adopt: bool = False,
    progress: Union[Progress, bool] = True,
    track: Sequence[str] = (),
) -> Results:
    """Run the audit of ``config``, as ``mia-dual run`` does, and say what was found.

    ``out``: the run folder; else one under ``runs``, named after the config's file or content, so
    that the same audit asked for again is found done. ``store``: where models are kept for all
    runs; else ``$MIA_DUAL_STORE``, or ``store`` beside the run folder. ``backend`` takes the place
    of the config's. ``data_dir``: where data sets lie. ``adopt``: models and answers that the
    run folder holds, and the store lacks, are taken over into the store and trusted as one's own;
    else they are made again, and a warning says how many. ``progress``: True shows bars, False
    nothing. ``track``: trackers that are told, too, as ``mlflow:URI``; one that does not take it
    is named in a warning.
    """
    from mia_dual.tracking.places import places_of
    from mia_dual.walks.run import run_audit

    places = places_of(track)

    settings = _settings(config, backend)
    stem = f"{Path(config).stem}-{settings.backend}" if isinstance(config, (str, Path)) else None
    shown = _progress(progress)
    place = None if data_dir is None else Path(data_dir)
    dataset = dataset_of(settings, data_dir=place, progress=shown)
    engine = Engine(settings.backend, settings.device)
    with _folder(settings, out, store, stem, adopt) as folder:
        _warn_of_offered(folder)
        results = run_audit(settings, engine, dataset, folder, shown)
    _tell(places, folder.path)
    return results


def attack(
    outputs: Place,
    config: Settings = None,
    *,
    out: Optional[Place] = None,
    store: Optional[Place] = None,
    backend: Optional[str] = None,
    progress: Union[Progress, bool] = True,
    track: Sequence[str] = (),
) -> Results:
    """Attack the saved ``outputs`` (an .npz file), as ``mia-dual attack --outputs`` does.

    The file's arrays are those of :mod:`mia_dual.data.outputs`. Of ``config`` the attacks and the
    seed count. ``backend`` trains attack models that are networks; without it the others run, and
    ``Results.not_run`` says what did not. The rest as in :func:`audit`.
    """
    from mia_dual.tracking.places import places_of
    from mia_dual.walks.attack import attack_outputs, outputs_config

    places = places_of(track)
    shown = _progress(progress)
    given = load_outputs(Path(outputs), shown)
    settings = outputs_config(_settings(config, None), given, backend)
    engine = None if backend is None else Engine(backend, settings.device)
    with _folder(settings, out, store, f"attack-{Path(outputs).stem}") as folder:
        results = attack_outputs(settings, given, engine, folder, shown)
    _tell(places, folder.path)
    return results


def _tell(trackers: Sequence[Tracking], path: Path) -> None:
    """Tell ``trackers`` of the finished run in ``path``; one that does not take it is warned of."""
    from mia_dual.tracking.places import track
    from mia_dual.tracking.record import run_record

    if trackers:
        for told in track(trackers, [run_record(path)]):
            if not told.whole:
                warnings.warn(told.line, stacklevel=3)


def _settings(config: Settings, backend: Optional[str]) -> Config:
    if isinstance(config, Config):
        return config if backend is None else config.model_copy(update={"backend": backend})
    if isinstance(config, Mapping):
        return checked({**config, **({} if backend is None else {"backend": backend})})
    return load_config(None if config is None else Path(config), options={"backend": backend})


def _folder(
    settings: Config,
    out: Optional[Place],
    store: Optional[Place],
    stem: Optional[str],
    adopt: bool = False,
) -> RunFolder:
    if out is None:
        digest = key_of(settings.model_dump(mode="json"))[:8]
        out = Path("runs") / (stem or f"audit-{digest}")
    path = Path(out)
    named = None if store is None else Path(store)
    return RunFolder(path, settings, Store(store_folder(named, path.parent)), adopt=adopt)


def _warn_of_offered(folder: RunFolder) -> None:
    line = folder.say_offered("adopt=True takes them")
    if line is not None:
        warnings.warn(line, stacklevel=3)


def _progress(progress: Union[Progress, bool]) -> Progress:
    if not isinstance(progress, bool):
        return progress
    if not progress:
        return Silent()
    from rich.console import Console

    from mia_dual.cli.progress import RichProgress

    return RichProgress(Console())
