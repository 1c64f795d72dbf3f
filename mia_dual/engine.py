"""A backend that is loaded when it is first needed, and not before.

A run that finds all it needs in the store imports no framework. What its keys depend on, the
backend's environment, is then what the run folder recorded, as long as the same was asked for
and the same versions are installed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Optional

from mia_dual.engines.cluster import Cluster
from mia_dual.errors import BackendError
from mia_dual.execution import DEFAULT, Execution
from mia_dual.interface import Backend, Capability
from mia_dual.registry import backend_names, load_backend
from mia_dual.store.files import checksum

CHECKSUM = "checksum"
"""The key under which a record has its own."""


class Engine:
    """Backend ``name`` on ``device``; raises BackendError for a name that nobody registered.

    It works in this process, or in those of a ``cluster``. ``train_calls`` counts what its users
    asked the backend to train, a call each.
    """

    train_calls = 0

    def __init__(
        self,
        name: str,
        device: str = "auto",
        execution: Execution = DEFAULT,
        cluster: Optional[Cluster] = None,
    ) -> None:
        if name not in backend_names():
            raise BackendError(f"no backend '{name}': choose one of {', '.join(backend_names())}")
        self.name, self.device, self.execution, self.cluster = name, device, execution, cluster
        self._backend: Optional[Backend] = None
        self._close = ExitStack()
        self.nodes: dict[str, dict[str, str]] = {}
        """Of a cluster, by host: the environment of each node that works; none before it is
        started.
        """
        self._environment: Optional[dict[str, str]] = None
        self._capabilities: Optional[frozenset[Capability]] = None

    @property
    def backend(self) -> Backend:
        """The backend, loaded and started; raises BackendError where it cannot be."""
        if self._backend is None:
            self._backend = self._load()
            found = self._backend.environment()
            if self._environment not in (None, found):
                raise BackendError(
                    f"backend '{self.name}' is not what it was when this run began "
                    f"({_difference(self._environment or {}, found)}): name another --out"
                )
            self._environment = found
        return self._backend

    def _load(self) -> Backend:
        if self.cluster is None:
            return load_backend(self.name, self.device, self.execution)
        from mia_dual.engines.ray_backend import RayBackend

        there = RayBackend(self.name, self.device, self.execution, self.cluster)
        self._close.callback(there.close)
        self.nodes = {node: found.environment for node, found in there.nodes.items()}
        return there

    def __enter__(self) -> Engine:
        """Nothing is started yet."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let a cluster go."""
        self._close.close()

    @property
    def environment(self) -> dict[str, str]:
        """What results depend on; see :meth:`mia_dual.interface.Backend.environment`."""
        if self._environment is None:
            self._environment = self.backend.environment()
        return self._environment

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What the backend can do; see :class:`mia_dual.interface.Capability`."""
        if self._capabilities is None:
            self._capabilities = self.backend.capabilities
        return self._capabilities

    @property
    def is_known(self) -> bool:
        """Whether the environment is known already, from a record or from the backend."""
        return self._environment is not None

    def recall(self, record: Any) -> None:
        """Believe ``record``, a :meth:`record` of an earlier run, where it still holds."""
        if not isinstance(record, dict) or record.get("asked") != self._asked():
            return
        # A record of an earlier version has no checksum.
        if record.get(CHECKSUM, _checksum(record)) != _checksum(record):
            return
        environment = _texts(record.get("environment"))
        installed = _texts(record.get("installed"))
        names = record.get("capabilities")
        known = {capability.name: capability for capability in Capability}
        if not isinstance(names, list) or not all(
            isinstance(name, str) and name in known for name in names
        ):
            return
        if environment and installed and installed == _installed(environment):
            self._environment = environment
            nodes = record.get("nodes")
            self.nodes = (
                {}
                if not isinstance(nodes, dict)
                else {name: _texts(node) for name, node in nodes.items()}
            )
            self._capabilities = frozenset(known[name] for name in names)

    def record(self) -> dict[str, Any]:
        """What ``environment.json`` holds: what was asked for, what is installed, what it gave, and
        a checksum of all that.
        """
        found: dict[str, Any] = {
            "backend": self.name,
            "asked": self._asked(),
            "installed": _installed(self.environment),
            "environment": self.environment,
            "capabilities": sorted(capability.name for capability in self.capabilities),
        }
        if self.nodes:
            found["nodes"] = self.nodes
        return {**found, CHECKSUM: _checksum(found)}

    def _asked(self) -> dict[str, str]:
        return {"backend": self.name, "device": self.device, "together": self.execution.together}


def _checksum(record: Mapping[str, Any]) -> str:
    """SHA-256 of what ``record`` holds beside its checksum."""
    content = {key: value for key, value in record.items() if key != CHECKSUM}
    return checksum(json.dumps(content, sort_keys=True).encode())


def _installed(environment: Mapping[str, str]) -> dict[str, str]:
    """The installed version of the framework; empty where it is no distribution by its name."""
    framework = environment.get("framework", "")
    try:
        return {framework: version(framework)}
    except (PackageNotFoundError, ValueError):
        return {}


def _texts(record: Any) -> dict[str, str]:
    """``record`` where it maps texts to texts; empty where it is anything else."""
    if not isinstance(record, dict):
        return {}
    sound = all(isinstance(text, str) for pair in record.items() for text in pair)
    return record if sound else {}


def _difference(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    return ", ".join(
        f"{key} was {before.get(key)}, is {now.get(key)}"
        for key in sorted(before.keys() | now.keys())
        if before.get(key) != now.get(key)
    )
