"""MLflow: a run of an experiment on a server, or in a store that MLflow opens itself."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import mia_dual
from mia_dual.optional import optional
from mia_dual.tracking.figures import Figure
from mia_dual.tracking.record import written

EXPERIMENT = "mia-dual"
"""Where ``$MLFLOW_EXPERIMENT_NAME`` names no other."""

PATIENCE = {
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
}
"""Unless the environment says otherwise; MLflow's own tries go on for minutes."""

MOST_METRICS, MOST_PARAMS = 1000, 100
"""That MLflow takes in one request."""

_T = TypeVar("_T")


class MlflowTracker:
    """A run at the tracking URI ``place``; settings are its params, figures its metrics."""

    def __init__(self, place: str) -> None:
        for name, value in PATIENCE.items():
            os.environ.setdefault(name, value)
        # Each try that fails would be a line; the last one's error says the same.
        logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
        mlflow = optional("mlflow", "mlflow", "mlflow")
        self._entities = optional("mlflow.entities", "mlflow", "mlflow")
        self._client = mlflow.MlflowClient(tracking_uri=place, registry_uri=place)
        self._run = ""

    def start(self, name: str) -> None:
        """See :class:`mia_dual.tracking.tracker.Tracker`."""
        experiment = os.environ.get("MLFLOW_EXPERIMENT_NAME", EXPERIMENT)
        found = self._client.get_experiment_by_name(experiment)
        known = found.experiment_id if found else self._client.create_experiment(experiment)
        tags = {"mia-dual": mia_dual.__version__}
        self._run = self._client.create_run(known, run_name=name, tags=tags).info.run_id

    def settings(self, settings: Mapping[str, Any]) -> None:
        """See :class:`mia_dual.tracking.tracker.Tracker`."""
        params = [self._entities.Param(name, value) for name, value in written(settings)]
        for some in _in_parts(params, MOST_PARAMS):
            self._client.log_batch(self._run, params=some)

    def figures(self, figures: Sequence[Figure]) -> None:
        """See :class:`mia_dual.tracking.tracker.Tracker`."""
        now = int(1000 * time.time())
        metrics = [self._entities.Metric(one.path, one.value, now, one.step) for one in figures]
        for some in _in_parts(metrics, MOST_METRICS):
            self._client.log_batch(self._run, metrics=some)

    def file(self, path: Path) -> None:
        """See :class:`mia_dual.tracking.tracker.Tracker`."""
        self._client.log_artifact(self._run, str(path))

    def end(self, whole: bool) -> None:
        """See :class:`mia_dual.tracking.tracker.Tracker`."""
        self._client.set_terminated(self._run, "FINISHED" if whole else "FAILED")


def _in_parts(items: Sequence[_T], most: int) -> Iterator[Sequence[_T]]:
    for begin in range(0, len(items), most):
        yield items[begin : begin + most]
