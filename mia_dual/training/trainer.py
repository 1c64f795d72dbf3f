"""Trains what the store does not hold yet, and stores each state as it is reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Optional

import numpy as np
import safetensors.numpy

from mia_dual.engine import Engine
from mia_dual.errors import DivergedError, StoreError
from mia_dual.flops import training_flops
from mia_dual.interface import KeptState, State, Weights
from mia_dual.progress import Progress
from mia_dual.store.entry import Entry
from mia_dual.store.folder import RunFolder
from mia_dual.store.keys import moments_key
from mia_dual.training.family import Family, Member
from mia_dual.training.jobs import first_state, make_job
from mia_dual.training.weights import drawn_names

WORTH_KEEPING = 3e11
"""Counted operations of a call after which its models' states are kept: some ten seconds on two
cores, so that a kill costs no more than that.
"""


@dataclass(frozen=True)
class Trained:
    """A stored model: what is known of it, and the steps its whole training takes."""

    entry: Entry
    steps: int


@dataclass(frozen=True)
class _Start:
    """Where a model's training begins: after so many epochs, that took so many seconds."""

    state: State
    epochs: int
    seconds: float


class Trainer:
    """An engine at work for one run folder; ``seed`` draws what the models start from.

    ``worth_keeping``: counted operations of a call between two states that are kept on the way.
    """

    def __init__(
        self,
        engine: Engine,
        folder: RunFolder,
        progress: Progress,
        seed: int,
        worth_keeping: float = WORTH_KEEPING,
    ) -> None:
        self.engine = engine
        self._folder = folder
        self._progress = progress
        self._seed = seed
        self._worth_keeping = worth_keeping

    def keys(self, family: Family, members: Sequence[Member]) -> dict[str, list[str]]:
        """Name -> the keys of the model before its first epoch and after each."""
        environment = self.engine.environment
        return {member.name: family.keys(environment, self._seed, member) for member in members}

    def train(self, title: str, family: Family, members: Sequence[Member]) -> dict[str, Trained]:
        """A model for each of ``members``; those already stored are not trained again.

        Raises DivergedError and NetworkError as backends do.
        """
        keys = self.keys(family, members)
        self._folder.refer(
            key for chain in keys.values() for key in (chain[-1], moments_key(chain[-1]))
        )
        entries = {name: self._find_model(chain[-1]) for name, chain in keys.items()}
        missing = [member for member in members if entries[member.name] is None]
        if missing:
            entries.update(self._train(title, family, members, missing, keys))
        trained = {
            member.name: Trained(entry, family.steps(member))
            for member in members
            for entry in [entries[member.name]]
            if entry is not None
        }
        for name, model in trained.items():
            self._folder.link(model.entry, f"models/{name}.safetensors")
        return trained

    def weights(self, trained: Trained) -> Weights:
        """The weights of a stored model."""
        content = self._folder.store.read(trained.entry)
        if content is None:
            raise StoreError(
                f"model '{trained.entry.name}' was damaged while the run used it: run again, and "
                "it is made again"
            )
        return safetensors.numpy.load(content)

    def _find_model(self, key: str) -> Optional[Entry]:
        entry = self._folder.find(key)
        if entry is None or not self._folder.store.is_sound(entry):
            return None
        return self._folder.store.stay(entry)

    def _train(
        self,
        title: str,
        family: Family,
        members: Sequence[Member],
        missing: Sequence[Member],
        keys: Mapping[str, list[str]],
    ) -> dict[str, Entry]:
        backend = self.engine.backend
        starts = {member.name: self._start(family, member, keys[member.name]) for member in missing}
        weights = starts[missing[0].name].state.weights
        epochs = self._epochs_to_keep(family, missing, weights)
        on_the_way = [keys[member.name][epoch] for member in missing for epoch in epochs]
        self._folder.refer(key for found in on_the_way for key in (found, moments_key(found)))
        jobs = [
            make_job(
                family,
                member,
                self._seed,
                starts[member.name].state,
                starts[member.name].epochs,
                epochs,
            )
            for member in missing
        ]
        total = sum(family.steps(member) for member in members)
        left = sum(len(job.batches) for job in jobs)
        drawn = drawn_names(weights)
        self._folder.log(
            "train",
            stage=title,
            models=[member.name for member in missing],
            going_on={name: start.epochs for name, start in starts.items() if start.epochs},
            steps=left,
            drawn=drawn,
            as_built=sorted(weights.keys() - set(drawn)),
        )
        made: dict[str, Entry] = {}
        with self._progress.stage(title, total, total - left) as report:
            reached = backend.train(family.spec, family.optimizer, jobs, family.records, report)
            by_name = {member.name: member for member in missing}
            for kept in reached:
                each = family.steps_an_epoch(by_name[kept.name])
                start = starts[kept.name]
                epoch = start.epochs + kept.step // each
                ends = epoch == family.settings.epochs
                entry = self._keep(kept, keys[kept.name][epoch], start.seconds, passing=not ends)
                for passed in {start.epochs, *epochs}:
                    if passed < epoch:
                        self._forget(keys[kept.name][passed])
                if ends:
                    made[kept.name] = entry
        return made

    def _keep(self, kept: KeptState, key: str, seconds: float, passing: bool) -> Entry:
        weights = kept.state.weights
        for array in weights.values():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise DivergedError(kept.name, kept.state.steps)
        store, name = self._folder.store, kept.name
        moments = {**kept.state.moments, "steps": np.array([kept.state.steps], np.int64)}
        # The weights last: where they are, the moments are.
        store.put(moments_key(key), "moments", name, _as_safetensors(moments), passing=passing)
        content = _as_safetensors(weights)
        return store.put(key, "model", name, content, seconds + kept.seconds, passing)

    def _start(self, family: Family, member: Member, chain: Sequence[str]) -> _Start:
        """The furthest stored state of a model, or its first."""
        store = self._folder.store
        for epochs in range(len(chain) - 2, 0, -1):
            entry, beside = store.find(chain[epochs]), store.find(moments_key(chain[epochs]))
            if entry is None or beside is None:
                continue
            weights, moments = store.read(entry), store.read(beside)
            if weights is not None and moments is not None:
                arrays = safetensors.numpy.load(moments)
                (steps,) = arrays.pop("steps").tolist()
                state = State(safetensors.numpy.load(weights), arrays, steps)
                return _Start(state, epochs, entry.seconds)
        return _Start(first_state(family, member, self._seed, self.engine.backend), 0, 0.0)

    def _forget(self, key: str) -> None:
        """Remove a state that was kept on the way and has been passed."""
        entry = self._folder.store.find(key)
        if entry is not None and entry.passing:
            self._folder.store.remove(key)
            self._folder.store.remove(moments_key(key))

    def _epochs_to_keep(
        self, family: Family, missing: Sequence[Member], weights: Weights
    ) -> tuple[int, ...]:
        """The epochs after which all models of a call are kept on the way."""
        records = sum(len(member.rows) for member in missing)
        operations = records * training_flops(family.spec, weights)
        every = max(1, round(self._worth_keeping / max(operations, 1)))
        return tuple(range(every, family.settings.epochs, every))


def _as_safetensors(arrays: Mapping[str, np.ndarray]) -> bytes:
    return safetensors.numpy.save({name: np.ascontiguousarray(arrays[name]) for name in arrays})
