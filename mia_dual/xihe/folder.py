"""Writes the folder that is uploaded to the platform."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Optional

import mia_dual
from mia_dual.config import load_config
from mia_dual.engine import Engine
from mia_dual.errors import ConfigError, StoreError
from mia_dual.quoting import quoted
from mia_dual.store.files import PARTIAL, checksum, write_atomically
from mia_dual.xihe.job import CONFIG
from mia_dual.xihe.package import package_files, requirements
from mia_dual.yaml_file import read_yaml_file, write_yaml

MARK = ".written-by-mia-dual.json"
"""Says what we wrote, so that it can be written again, and nothing that others changed."""

INDICES = "indices.txt"

TEMPLATE = Path(__file__).with_name("template")
TEXTS = ("boot.py", "README.md")
INFERENCE = ("inference/app.py", "inference/config.json", "inference/requirements.txt")


def write_folder(
    target: Path, backend: str, config: Optional[Path] = None, inference: bool = False
) -> list[str]:
    """Write all that a job of ``backend`` needs into ``target``; gives the paths of the files.

    ``config``: settings of the audit; None: small ones, on whatever data the job is given.
    ``inference``: also an application that shows results. Raises StoreError where ``target``
    holds what we did not write, ConfigError for settings that do not do, BackendError for a
    backend that nobody registered.
    """
    Engine(backend)
    files = package_files()
    files["pip-requirements.txt"] = "\n".join([*requirements(backend), ""]).encode()
    files.update(_settings(config, backend))
    for name in (*TEXTS, *(INFERENCE if inference else ())):
        text = (TEMPLATE / name).read_text(encoding="utf-8")
        files[name] = text.replace("@BACKEND@", backend).encode()
    _check_target(target, files, own={_resolved(config)})
    written = {path: checksum(content) for path, content in files.items()}
    mark = {"mia_dual": mia_dual.__version__, "files": written}
    try:
        for path in _marked(target).keys() - files.keys():
            (target / path).unlink(missing_ok=True)
        # First: a folder whose writing was broken off is known as ours.
        write_atomically(target / MARK, json.dumps(mark, indent=1).encode())
        for path, content in files.items():
            _write(target / path, content)
    except OSError as error:
        raise StoreError(
            f"'{target}' cannot be written ({error.strerror}): name another"
        ) from error
    return sorted(files)


def _write(file: Path, content: bytes) -> None:
    """Write ``file`` whole or not at all; so many files are not each waited for on the disk."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}{PARTIAL}")
    partial.write_bytes(content)
    os.replace(partial, file)


def _settings(config: Optional[Path], backend: str) -> dict[str, bytes]:
    """The config, and a list of indices that it names."""
    if config is None:
        text = (TEMPLATE / CONFIG).read_text(encoding="utf-8")
        return {CONFIG: text.replace("@BACKEND@", backend).encode()}
    load_config(config, options={"backend": backend})
    settings: dict[str, Any] = {**read_yaml_file(config), "backend": backend}
    files = {}
    # A file of records comes to a job as its input, wherever that lies there.
    settings.get("data", {}).pop("file", None)
    indices = settings.get("deletion", {}).get("indices")
    if indices is not None:
        settings["deletion"]["indices"] = INDICES
        try:
            files[INDICES] = Path(indices).read_bytes()
        except OSError as error:
            raise ConfigError(
                f"deletion.indices: {quoted(indices)} cannot be read ({error.strerror})"
            ) from error
    return {**files, CONFIG: write_yaml(settings).encode()}


def _check_target(target: Path, files: Mapping[str, bytes], own: set[Path]) -> None:
    if target.exists() and not target.is_dir():
        raise StoreError(f"'{target}' is no folder: name one that is empty or not there")
    if not target.exists() or not any(target.iterdir()):
        return
    marked = _marked(target)
    if not marked:
        raise StoreError(
            f"'{target}' is not empty and was not written by mia-dual: name one that is empty or "
            "not there"
        )
    for path in files.keys() | marked.keys():
        file = target / path
        if not file.is_file() or file.resolve() in own:
            continue
        if checksum(file.read_bytes()) not in (marked.get(path), checksum(files.get(path, b""))):
            raise StoreError(
                f"'{file}' was changed since mia-dual wrote it, and would be lost: move it away"
                + f", or have it kept by --config {file}" * (path == CONFIG)
            )


def _marked(target: Path) -> dict[str, str]:
    """Path -> checksum of what we wrote there; empty where we did not."""
    try:
        files = json.loads((target / MARK).read_text(encoding="utf-8"))["files"]
        return {path: known for path, known in files.items() if _is_inside(path)}
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return {}


def _is_inside(path: str) -> bool:
    parts = Path(path).parts
    return bool(parts) and not Path(path).is_absolute() and ".." not in parts


def _resolved(config: Optional[Path]) -> Path:
    return Path() if config is None else config.resolve()
