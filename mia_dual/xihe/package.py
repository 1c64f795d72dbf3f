"""mia-dual itself as plain files, for a machine on which no registry has it.

Beside the packages lies a ``dist-info``, so that backends are found there by entry point as they
are where mia-dual was installed. No wheel: a project's files must be small (200 KB) to be taken.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import mia_dual
from mia_dual.errors import BackendError
from mia_dual.registry import GROUP, backend_entries

NAME = "mia-dual"


def package_files() -> dict[str, bytes]:
    """Path -> content of mia_dual, the packages of every installed backend, and their metadata."""
    packages = {"mia_dual", *(_top(entry) for entry in backend_entries().values())}
    files = {path: content for package in sorted(packages) for path, content in _package(package)}
    info = f"mia_dual-{mia_dual.__version__}.dist-info"
    entries = "".join(f"{name} = {entry}\n" for name, entry in backend_entries().items())
    files[f"{info}/entry_points.txt"] = f"[{GROUP}]\n{entries}".encode()
    files[f"{info}/METADATA"] = _metadata().encode()
    return files


def requirements(backend: str) -> list[str]:
    """What ``backend`` needs beside its framework, which comes with a job's image.

    An extra's requirement of the extra's own name is the framework: installed again, it would
    take the image's place, and not know the card.
    """
    needed: dict[str, str] = {}
    for requirement in _requires():
        text, _, marker = (part.strip() for part in requirement.partition(";"))
        extra = re.search(r"extra\s*==\s*['\"]([^'\"]+)['\"]", marker)
        if extra is None or (extra[1] == backend and _distribution(text) != backend):
            name = _distribution(text)
            # One line a package: older pips take no second one.
            needed[name] = f"{needed[name]},{text[len(name) :]}" if name in needed else text
    return list(needed.values())


def _requires() -> list[str]:
    try:
        return requires(NAME) or []
    except PackageNotFoundError as error:
        raise BackendError(
            "mia-dual's own metadata are missing: install it (pip install -e .)"
        ) from error


def _metadata() -> str:
    lines = [f"Requires-Dist: {requirement}" for requirement in _requires()]
    head = ["Metadata-Version: 2.1", f"Name: {NAME}", f"Version: {mia_dual.__version__}"]
    return "\n".join([*head, *lines, ""])


def _distribution(requirement: str) -> str:
    name = re.match(r"[A-Za-z0-9._-]+", requirement)
    return name[0].lower() if name else ""


def _top(entry: str) -> str:
    return entry.partition(":")[0].partition(".")[0]


def _package(name: str) -> Iterator[tuple[str, bytes]]:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise BackendError(
            f"package '{name}', which a backend names, is not found: install it again"
        )
    home = Path(next(iter(spec.submodule_search_locations)))
    for file in sorted(home.rglob("*")):
        path = file.relative_to(home)
        if file.is_file() and "__pycache__" not in path.parts:
            yield f"{name}/{path.as_posix()}", file.read_bytes()
