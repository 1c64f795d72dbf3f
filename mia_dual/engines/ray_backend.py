"""A backend whose work is done by tasks of a Ray cluster.

To all who use it, it is the backend itself: what it gives does not depend on how jobs were cut
into tasks, nor on which worker did what, since no backend's models do (:mod:`mia_dual.interface`).
Ray carries all of it: records travel once a node, tasks that a dead worker or node held are done
again, and states come back as they are reached. What is here submits tasks
(:mod:`mia_dual.engines.tasks`), sees that all workers compute alike, and gives up on a task that
fails for good or never returns.
"""

from __future__ import annotations

import atexit
import os
import socket
import sys
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Callable, Optional

import numpy as np

from mia_dual.engines import ray_tasks
from mia_dual.engines.cluster import OWN, Cluster
from mia_dual.engines.ray_tasks import Found, Recipe
from mia_dual.engines.sweeper import SweptFolder
from mia_dual.engines.tasks import ROUNDS, Task, cut
from mia_dual.errors import BackendError, MiaDualError
from mia_dual.execution import DEFAULT, Execution
from mia_dual.flops import training_flops
from mia_dual.interface import (
    Capability,
    GradientNorms,
    KeptState,
    NetworkSpec,
    Optimizer,
    Records,
    ReportSteps,
    TrainingJob,
    Weights,
)
from mia_dual.optional import optional
from mia_dual.quoting import one_line
from mia_dual.stopping import signals_put_off
from mia_dual.training.lockstep import kind_of

TRIES = 3
"""Of a task whose worker or node dies under it."""

BEGUN = 4
"""Tasks a worker that Ray knows of at a time: it need not hold what comes much later."""

KNOCK = 5.0
"""Seconds that a cluster has to answer at all."""

NPU = "NPU"
"""What Ray calls Ascend cards."""

OWN_NODE = {
    # Nobody is told that this ran.
    "RAY_USAGE_STATS_ENABLED": "0",
    # A task that is too large for its node would be tried forever.
    "RAY_task_oom_retries": str(TRIES - 1),
    # Whatever Ray is asked after its end would start another cluster.
    "RAY_ENABLE_AUTO_CONNECT": "0",
    # Else whoever connects waits for workers that are started before they are asked for: for good,
    # where one of them dies of that (ray-project/ray, issue 40131).
    "RAY_prestart_worker_first_driver": "0",
    # SIGTERM is handled here.
    "RAY_DISABLE_FAILURE_SIGNAL_HANDLER": "1",
    # Seconds that what Ray started outlives a process that was killed.
    "RAY_gcs_rpc_server_reconnect_timeout_s": "10",
}
"""Settings of Ray here, and of a cluster that is started here, unless the environment says
otherwise.
"""


class RayBackend:
    """Backend ``name`` in the workers of ``cluster``; a training task has ``most`` jobs at most,
    or as many as give each worker some.

    Raises MissingPackageError without Ray, and BackendError for a GPU that tasks do not take, and
    where the cluster cannot be reached, has no node with what a task takes, or has nodes that would
    compute otherwise than others.
    """

    def __init__(
        self,
        name: str,
        device: str,
        execution: Execution = DEFAULT,
        cluster: Cluster = OWN,
        most: Optional[int] = None,
    ) -> None:
        device = _device_of_tasks(device, cluster)
        self.name = name
        self._most = most
        for setting, value in OWN_NODE.items():
            # Before Ray is imported, which reads some of them then.
            os.environ.setdefault(setting, value)
        self._ray = optional("ray", "--engine ray", "ray")
        self._recipe = Recipe(name, device, replace(execution, workers=1))
        self._takes: dict[str, Any] = {
            "num_cpus": 1,
            "num_gpus": cluster.gpus,
            "resources": dict(cluster.resources),
        }
        # Of a process: it stays on the card that it was given first. 0 is no limit.
        self._calls = 1 if _takes_card(cluster) else 0
        self._folder: Optional[SweptFolder] = None
        self._records: Optional[tuple[Records, Any]] = None
        self._known: dict[Callable[..., Any], Any] = {}
        with signals_put_off():
            self._connect(cluster, execution)
        try:
            self.nodes = self._look()
        except BaseException:
            self.close()
            raise
        first = next(iter(self.nodes.values()))
        self._environment = first.environment
        self.capabilities: frozenset[Capability] = first.capabilities
        self.networks = first.networks

    def close(self) -> None:
        """Let the cluster go, and end it where it was started here."""
        self._records = None
        self._ray.shutdown()
        if self._folder is not None:
            self._folder.remove()

    @staticmethod
    def devices() -> list[str]:
        """Whatever workers find: what they have is not known before the cluster is asked."""
        return ["auto"]

    def environment(self) -> dict[str, str]:
        """What all workers have in common; see :meth:`mia_dual.interface.Backend.environment`."""
        return dict(self._environment)

    def fresh(self, spec: NetworkSpec, seed: int) -> dict[str, np.ndarray]:
        """See :meth:`mia_dual.interface.Backend.fresh`."""
        built = self._do(ray_tasks.fresh, spec, seed)
        found: dict[str, np.ndarray] = self._get(built)
        return found

    def train(
        self,
        spec: NetworkSpec,
        optimizer: Optimizer,
        jobs: Sequence[TrainingJob],
        records: Records,
        report: ReportSteps,
    ) -> Iterator[KeptState]:
        """Train ``jobs``; see :meth:`mia_dual.interface.Backend.train`.

        Where a task fails for good, the others go on; then BackendError names its models.
        """
        there = self._put(records)
        work = _Work(
            self._ray,
            self.cut(spec, jobs),
            lambda task: self._do(ray_tasks.train, spec, optimizer, task.models, there),
            BEGUN * self._slots(),
        )
        yield from work.states(report)

    def cut(self, spec: NetworkSpec, jobs: Sequence[TrainingJob]) -> list[Task[TrainingJob]]:
        """The tasks that ``jobs`` are trained in."""

        def operations(job: TrainingJob) -> float:
            return float(training_flops(spec, job.start.weights) * job.batches.size)

        parts = 1 if self._most is not None else ROUNDS * self._slots()
        return cut(jobs, kind_of, operations, parts, self._most)

    def logits(
        self, spec: NetworkSpec, models: Sequence[Weights], records: Records, rows: np.ndarray
    ) -> np.ndarray:
        """See :meth:`mia_dual.interface.Backend.logits`."""
        parts = self._ask(ray_tasks.logits, spec, models, records, rows)
        return np.concatenate([self._get(part) for part in parts])

    def gradient_norms(
        self, spec: NetworkSpec, models: Sequence[Weights], records: Records, rows: np.ndarray
    ) -> GradientNorms:
        """See :meth:`mia_dual.interface.Backend.gradient_norms`."""
        parts = self._ask(ray_tasks.gradient_norms, spec, models, records, rows)
        found: list[GradientNorms] = [self._get(part) for part in parts]
        return GradientNorms(found[0].parameters, np.concatenate([part.norms for part in found]))

    def _connect(self, cluster: Cluster, execution: Execution) -> None:
        own: dict[str, Any] = {}
        if cluster.address is None:
            # Its logs and sockets, which Ray leaves behind.
            self._folder = SweptFolder()
            atexit.register(self.close)
            own = {"num_cpus": execution.workers, "_temp_dir": self._folder.path}
            own["include_dashboard"] = False
        try:
            if cluster.address is not None:
                _knock(cluster.address)
            self._ray.init(
                address=cluster.address,
                log_to_driver=False,
                logging_level="ERROR",
                ignore_reinit_error=True,
                # A user's factory is found where it is found here.
                runtime_env={"env_vars": {"PYTHONPATH": os.pathsep.join(_path())}},
                **own,
            )
        except Exception as error:  # whatever Ray raises: there are many
            where = f"at '{cluster.address}'" if cluster.address else "on this machine"
            raise BackendError(
                f"no Ray cluster answers {where} ({one_line(str(error), 200)}): start one with "
                "'ray start --head', or leave --ray-address out"
            ) from error

    def _look(self) -> dict[str, Found]:
        """What the backend is on each node that can do a task, by host and number there."""
        strategies = optional("ray.util.scheduling_strategies", "--engine ray", "ray")
        wanted = {"CPU": 1.0, "GPU": self._takes["num_gpus"], **self._takes["resources"]}
        asked: dict[str, Any] = {}
        for node in self._able(wanted):
            alike = sum(name.startswith(f"{node['NodeManagerHostname']} ") for name in asked)
            there = strategies.NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
            asked[f"{node['NodeManagerHostname']} {alike + 1}"] = self._do(
                ray_tasks.look, scheduling_strategy=there
            )
        if not asked:
            named = ", ".join(f"{amount:g} {name}" for name, amount in wanted.items() if amount)
            raise BackendError(
                f"no node of the Ray cluster has {named} for a task: ask for less, or start Ray "
                "with more"
            )
        found = {node: self._get(answer) for node, answer in asked.items()}
        first, *others = found
        for other in others:
            ours, theirs = found[first].environment, found[other].environment
            for key in sorted(ours.keys() | theirs.keys()):
                if ours.get(key) != theirs.get(key):
                    raise BackendError(
                        f"workers would not compute alike: {key} is {ours.get(key)} on node "
                        f"{first}, {theirs.get(key)} on {other}: make all nodes alike"
                    )
        return found

    def _able(self, wanted: dict[str, float]) -> list[dict[str, Any]]:
        return [
            node
            for node in self._ray.nodes()
            if node["Alive"]
            and all(node["Resources"].get(name, 0) >= much for name, much in wanted.items())
        ]

    def _slots(self) -> int:
        """Tasks that the cluster does side by side."""
        there = self._ray.cluster_resources()
        wanted = {"CPU": 1.0, "GPU": self._takes["num_gpus"], **self._takes["resources"]}
        return max(1, min(int(there.get(name, 0) / much) for name, much in wanted.items() if much))

    def _put(self, records: Records) -> Any:
        """Where ``records`` lie in the cluster; the last ones asked about stay there."""
        if self._records is None or self._records[0] is not records:
            self._records = (records, self._ray.put(records))
        return self._records[1]

    def _do(self, task: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        """Have ``task`` done."""
        if task not in self._known:
            # Once: Ray sends a function's code to the cluster for each that it is told of.
            self._known[task] = self._ray.remote(max_calls=self._calls)(task)
        remote = self._known[task].options(max_retries=TRIES - 1, **self._takes, **options)
        return remote.remote(self._recipe, *arguments)

    def _ask(
        self,
        task: Callable[..., Any],
        spec: NetworkSpec,
        models: Sequence[Weights],
        records: Records,
        rows: np.ndarray,
    ) -> list[Any]:
        """Ask ``models`` their ``rows``, a part of the models a task."""
        there = self._put(records)
        parts = np.array_split(np.arange(len(models)), min(len(models), self._slots()))
        return [
            self._do(task, spec, [models[place] for place in part], there, rows[part])
            for part in parts
        ]

    def _get(self, answer: Any) -> Any:
        """What a task gave; raises what it raised, as far as that is ours."""
        try:
            return self._ray.get(answer)
        except self._ray.exceptions.RayError as error:
            raise _own(error) from error


class _Work:
    """Training ``tasks``: those that are under way, ``most`` at a time, and the rest.

    ``begin`` has Ray begin one, and gives what its states are asked of: its stream.
    """

    def __init__(
        self,
        ray: Any,
        tasks: Sequence[Task[TrainingJob]],
        begin: Callable[[Task[TrainingJob]], Any],
        most: int,
    ) -> None:
        self._ray, self._begin, self._most = ray, begin, most
        self._left = deque(tasks)
        self._steps = {job.name: len(job.batches) for task in tasks for job in task.models}
        self._begun: dict[Any, Task[TrainingJob]] = {}
        self._ends: dict[Any, float] = {}
        self._failed: dict[str, str] = {}

    def states(self, report: ReportSteps) -> Iterator[KeptState]:
        """Every state as it is reached; raises BackendError at last where a task failed."""
        told = dict.fromkeys(self._steps, 0)
        try:
            while self._left or self._begun:
                for stream in self._ready():
                    state = self._next(stream)
                    if state is None:
                        continue
                    report(state.step - told[state.name])
                    told[state.name] = state.step
                    yield state
        finally:
            # An interrupt may have this closed after the cluster was let go.
            if self._ray.is_initialized():
                for stream in self._begun:
                    self._ray.cancel(stream, force=True)
        lacking = [name for name, steps in self._steps.items() if told[name] < steps]
        if lacking:
            reason = next(iter(self._failed.values()), "they came to no end")
            raise BackendError(
                f"{len(lacking)} of {len(told)} models could not be trained "
                f"({', '.join(lacking[:3])}{', …' if len(lacking) > 3 else ''}): {reason}; all "
                "others are stored"
            )

    def _ready(self) -> list[Any]:
        """Streams that have something to give; tasks that have had their time are given up."""
        while self._left and len(self._begun) < self._most:
            task = self._left.popleft()
            self._begun[self._begin(task)] = task
        now = time.monotonic()
        for stream in [stream for stream, end in self._ends.items() if end < now]:
            self._ray.cancel(stream, force=True)
            self._fail(stream, f"its task was not done in {self._begun[stream].limit:.0f} s")
        if not self._begun:
            return []
        wait = min(self._ends.values(), default=now + 5) - now
        ready, _ = self._ray.wait(list(self._begun), timeout=max(0.05, min(wait, 5)))
        return list(ready)

    def _next(self, stream: Any) -> Optional[KeptState]:
        """The next state of ``stream``; None where its task has just begun, ended, or failed."""
        try:
            found: Optional[KeptState] = self._ray.get(next(stream))
        except StopIteration:
            self._forget(stream)
            return None
        except self._ray.exceptions.RayTaskError as error:
            raise _own(error) from error
        except self._ray.exceptions.RayError as error:
            self._fail(stream, f"{TRIES} workers died of it ({one_line(str(error), 120)})")
            return None
        if found is None:
            self._ends.setdefault(stream, time.monotonic() + self._begun[stream].limit)
        return found

    def _fail(self, stream: Any, reason: str) -> None:
        for job in self._begun[stream].models:
            self._failed[job.name] = reason
        self._forget(stream)

    def _forget(self, stream: Any) -> None:
        del self._begun[stream]
        self._ends.pop(stream, None)


def _device_of_tasks(device: str, cluster: Cluster) -> str:
    """What a task computes on: a card that it takes of the cluster, or else a core.

    Ray hides from a task what others take, but nothing from one that takes no card.
    """
    if device == "auto" and not _takes_card(cluster):
        return "cpu"
    for kind, taken, remedy in (
        ("cuda", cluster.gpus > 0, "--device cuda with --gpus-per-task 1"),
        ("ascend", NPU in cluster.resources, "--device ascend with --resource NPU=1"),
    ):
        if device.startswith(kind) and (device != kind or not taken):
            raise BackendError(
                f"device '{device}' is not what tasks of a Ray cluster compute on, which see the "
                f"cards that they take: ask for {remedy}"
            )
    return device


def _takes_card(cluster: Cluster) -> bool:
    return cluster.gpus > 0 or NPU in cluster.resources


def _knock(address: str) -> None:
    """Raise OSError where nobody listens at ``address``: Ray would try for many minutes."""
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if host and port.isdecimal():
        socket.create_connection((host, int(port)), timeout=KNOCK).close()


def _own(error: Exception) -> Exception:
    """What one of our tasks raised, or that it could not be done."""
    cause = getattr(error, "cause", None)
    if isinstance(cause, MiaDualError):
        return cause
    return BackendError(f"a task of the Ray cluster failed: {one_line(str(error), 300)}")


def _path() -> list[str]:
    return [entry or os.getcwd() for entry in sys.path]
