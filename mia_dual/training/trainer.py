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
from mia_dual.training.family import Family, Member, suited
from mia_dual.training.jobs import first_state, make_job
from mia_dual.training.weights import drawn_names

WORTH_KEEPING = 3e11
"""Counted operations of a call after which its models' states are kept: some ten seconds on two
cores, so that a kill costs no more than that.
"""


@dataclass(frozen=True)
class Trained:
    """A stored model: what is known of it, and the steps its whole training takes (one where a
    backend fits models at once).
    """

    entry: Entry
    steps: int


@dataclass(frozen=True)
class _Start:
    """Where a model's training begins: after so many epochs, that took so many seconds."""

    state: State
    epochs: int
    seconds: float


class Trainer:
    """An engine at work for one run folder.

    ``worth_keeping``: counted operations of a call between two states that are kept on the way.
    """

    def __init__(
        self,
        engine: Engine,
        folder: RunFolder,
        progress: Progress,
        worth_keeping: float = WORTH_KEEPING,
    ) -> None:
        self.engine = engine
        self._folder = folder
        self._progress = progress
        self._worth_keeping = worth_keeping

    def train(
        self, title: str, family: Family, members: Mapping[str, Member]
    ) -> dict[str, Trained]:
        """A model for each of ``members``, by the labels they come under.

        Models already stored are not trained again, and of trainings that begin alike only the
        longest takes place. Raises DivergedError and NetworkError as backends do.
        """
        environment = self.engine.environment
        family, members = suited(family, members, self.engine.capabilities)
        keys = {label: family.keys(environment, member) for label, member in members.items()}
        last = {label: chain[-1] for label, chain in keys.items()}
        self._folder.refer(key for found in last.values() for key in (found, moments_key(found)))
        found = {key: self._find_model(key) for key in last.values()}
        missing = [label for label, key in last.items() if found[key] is None]
        if missing:
            found.update(self._train(title, family, members, missing, keys))
        return {
            label: Trained(entry, family.steps(members[label]))
            for label, key in last.items()
            for entry in [found[key]]
            if entry is not None
        }

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
        members: Mapping[str, Member],
        missing: Sequence[str],
        keys: Mapping[str, list[str]],
    ) -> dict[str, Entry]:
        backend = self.engine.backend
        wanted = {keys[label][-1] for label in missing}
        labels = _longest(missing, keys)
        starts = {label: self._start(family, members[label], keys[label]) for label in labels}
        weights = starts[labels[0]].state.weights
        longest = max(members[label].epochs for label in labels)
        now_and_then = self._epochs_to_keep(
            family, [members[label] for label in labels], weights, longest
        )
        kept = {
            label: {
                epoch
                for epoch in range(1, members[label].epochs)
                if epoch in now_and_then or keys[label][epoch] in wanted
            }
            for label in labels
        }
        self._folder.refer(
            key
            for label in labels
            for epoch in kept[label]
            for key in (keys[label][epoch], moments_key(keys[label][epoch]))
        )
        jobs = [
            make_job(
                family,
                members[label],
                label,
                starts[label].state,
                starts[label].epochs,
                kept[label],
            )
            for label in labels
        ]
        total = sum(family.steps(members[label]) for label in labels)
        left = sum(len(job.batches) for job in jobs)
        drawn = drawn_names(weights)
        self._folder.log(
            "train",
            stage=title,
            models=labels,
            going_on={label: start.epochs for label, start in starts.items() if start.epochs},
            steps=left,
            drawn=drawn,
            as_built=sorted(weights.keys() - set(drawn)),
        )
        made: dict[str, Entry] = {}
        with self._progress.stage(title, total, total - left) as report:
            self.engine.train_calls += 1
            reached = backend.train(family.spec, family.optimizer, jobs, family.records, report)
            for state in reached:
                label, start = state.name, starts[state.name]
                epoch = start.epochs + state.step // family.steps_an_epoch(members[label])
                key = keys[label][epoch]
                entry = self._keep(state, key, start.seconds, passing=key not in wanted)
                for passed in {start.epochs, *kept[label]}:
                    if passed < epoch:
                        self._forget(keys[label][passed])
                if key in wanted:
                    made[key] = entry
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
        if member.origin is not None:
            return _Start(State(self._origin(member.name, member.origin)), 0, 0.0)
        return _Start(first_state(family, member, self.engine.backend), 0, 0.0)

    def _origin(self, name: str, key: str) -> Weights:
        entry = self._folder.store.find(key)
        content = None if entry is None else self._folder.store.read(entry)
        if content is None:
            raise StoreError(
                f"the model that '{name}' goes on from is not in the store, or damaged: run again, "
                "and it is made again"
            )
        return safetensors.numpy.load(content)

    def _forget(self, key: str) -> None:
        """Remove a state that was kept on the way and has been passed."""
        entry = self._folder.store.find(key)
        if entry is not None and entry.passing:
            self._folder.store.remove(key)
            self._folder.store.remove(moments_key(key))

    def _epochs_to_keep(
        self, family: Family, members: Sequence[Member], weights: Weights, longest: int
    ) -> range:
        """The epochs after which all models of a call are kept on the way."""
        records = sum(len(member.rows) for member in members)
        operations = records * training_flops(family.spec, weights)
        every = max(1, round(self._worth_keeping / max(operations, 1)))
        return range(every, longest, every)


def _longest(missing: Sequence[str], keys: Mapping[str, list[str]]) -> list[str]:
    """Those of ``missing`` that no longer training of another passes, in their order."""
    passed: set[str] = set()
    chosen = set()
    for label in sorted(missing, key=lambda label: -len(keys[label])):
        if keys[label][-1] not in passed:
            chosen.add(label)
            passed.update(keys[label])
    return [label for label in missing if label in chosen]


def _as_safetensors(arrays: Mapping[str, np.ndarray]) -> bytes:
    return safetensors.numpy.save({name: np.ascontiguousarray(arrays[name]) for name in arrays})
