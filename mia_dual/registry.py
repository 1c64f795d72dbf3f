"""Finds backends by entry point, so that a third party's package is found like our own."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from mia_dual.errors import BackendError
from mia_dual.execution import DEFAULT, Execution
from mia_dual.exhaustion import out_of_memory
from mia_dual.interface import Backend

GROUP = "mia_dual.backends"


def backend_names() -> list[str]:
    """The names of all installed backends, whether or not their framework is."""
    return sorted(_entry_points())


def backend_entries() -> dict[str, str]:
    """Name -> where its class is, as ``module:class``, of all installed backends."""
    return {name: point.value for name, point in sorted(_entry_points().items())}


def load_backend(name: str, device: str = "auto", execution: Execution = DEFAULT) -> Backend:
    """Import backend ``name`` and its framework, and start it on ``device``.

    Raises BackendError for a name nobody registered, a framework that is not installed or does
    not import, and a device that is not to be had.
    """
    return load_backend_class(name)(device, execution)


def load_backend_class(name: str) -> type[Backend]:
    """Import the class of backend ``name``, or one that is named as ``module:class``; raises
    BackendError as :func:`load_backend` does.
    """
    known = _entry_points()
    if ":" in name:
        known[name] = EntryPoint(name, name, GROUP)
    if name not in known:
        raise BackendError(f"no backend '{name}': choose one of {', '.join(sorted(known))}")
    try:
        backend: type[Backend] = known[name].load()
    except ImportError as error:
        raise out_of_memory(error) or BackendError(
            f"backend '{name}' cannot be imported ({error}): "
            f"pip install 'mia-dual[{name}]' brings what it needs"
        ) from error
    return backend


def _entry_points() -> dict[str, EntryPoint]:
    found: Any
    if sys.version_info >= (3, 10):
        found = entry_points(group=GROUP)
    else:
        found = entry_points().get(GROUP, [])
    return {point.name: point for point in found}
