"""Trains what the run folder does not hold yet, and stores each model as it is finished."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mia_dual.config import TrainingSettings
from mia_dual.errors import DivergedError
from mia_dual.interface import Backend, NetworkSpec, Optimizer, Records, TrainingJob, Weights
from mia_dual.progress import Progress
from mia_dual.seeds import generator
from mia_dual.store.folder import RunFolder
from mia_dual.store.index import Entry
from mia_dual.store.keys import model_key, output_key, records_digest
from mia_dual.training.batches import draw_batches, learning_rates
from mia_dual.training.weights import draw_weights


@dataclass(frozen=True)
class Recipe:
    """How a family of models is trained: network, optimizer, settings."""

    spec: NetworkSpec
    settings: TrainingSettings

    @property
    def optimizer(self) -> Optimizer:
        """The update rule."""
        return Optimizer(
            self.settings.optimizer, self.settings.momentum, self.settings.weight_decay
        )


class Trainer:
    """A backend at work on one run folder."""

    def __init__(self, backend: Backend, folder: RunFolder, progress: Progress, seed: int) -> None:
        self._backend = backend
        self._folder = folder
        self._progress = progress
        self._seed = seed
        self._environment = backend.environment()

    def train(
        self, title: str, recipe: Recipe, rows: Mapping[str, np.ndarray], records: Records
    ) -> dict[str, Entry]:
        """One model for each name in ``rows``, trained on those rows of ``records``.

        Models already stored are not trained again. Raises DivergedError as backends do.
        """
        jobs = [self._job(recipe, name, rows[name]) for name in rows]
        digest = records_digest(records)
        keys = {
            job.name: model_key(self._environment, recipe.spec, recipe.optimizer, job, digest)
            for job in jobs
        }
        entries = {name: self._folder.find(key) for name, key in keys.items()}
        missing = [job for job in jobs if entries[job.name] is None]
        if missing:
            entries.update(self._train(title, recipe, jobs, missing, keys, records))
        return {name: entry for name, entry in entries.items() if entry is not None}

    def _train(
        self,
        title: str,
        recipe: Recipe,
        jobs: Sequence[TrainingJob],
        missing: Sequence[TrainingJob],
        keys: Mapping[str, str],
        records: Records,
    ) -> dict[str, Entry]:
        steps = {job.name: len(job.batches) for job in jobs}
        total = sum(steps.values())
        left = sum(steps[job.name] for job in missing)
        made = {}
        self._folder.log("train", stage=title, models=[job.name for job in missing])
        with self._progress.stage(title, total, total - left) as report:
            finished = self._backend.train(recipe.spec, recipe.optimizer, missing, records, report)
            for model in finished:
                if not all(np.isfinite(array).all() for array in model.weights.values()):
                    raise DivergedError(model.name, steps[model.name])
                made[model.name] = self._folder.write_model(
                    keys[model.name], model, steps[model.name]
                )
        return made

    def logits(self, recipe: Recipe, name: str, entry: Entry, records: Records) -> np.ndarray:
        """What the stored model says of ``records``: (records, classes) float32, stored too."""
        key = output_key(self._environment, entry.key, records_digest(records))
        stored = self._folder.read_output(key)
        if stored is not None:
            return stored["logits"]
        logits: np.ndarray = self.query(recipe, [entry], records)[0]
        self._folder.write_output(key, name, {"logits": logits, "labels": records.labels})
        return logits

    def query(self, recipe: Recipe, entries: Sequence[Entry], records: Records) -> np.ndarray:
        """What each stored model says of ``records``: (models, records, classes) float32."""
        weights: list[Weights] = [self._folder.read_model(entry) for entry in entries]
        return self._backend.logits(recipe.spec, weights, records)

    def _job(self, recipe: Recipe, name: str, rows: np.ndarray) -> TrainingJob:
        settings = recipe.settings
        batches = draw_batches(
            rows, settings.epochs, settings.batch_size, generator(self._seed, "batches", name)
        )
        return TrainingJob(
            name=name,
            weights=draw_weights(
                self._backend.parameter_shapes(recipe.spec),
                generator(self._seed, "weights", name),
            ),
            batches=batches,
            learning_rates=learning_rates(
                settings.learning_rate,
                settings.epochs,
                len(batches),
                settings.decay_every,
                settings.decay,
            ),
        )
