"""Trains what the store does not hold yet, and stores each state as it is reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Optional

import numpy as np
import safetensors.numpy

from mia_dual.engine import Engine
from mia_dual.errors import DivergedError, StoreError
from mia_dual.flops import training_flops
from mia_dual.interface import NO_RECORD, KeptState, ReportSteps, State, Weights
from mia_dual.progress import Advance, Progress
from mia_dual.store.entry import Entry
from mia_dual.store.folder import RunFolder
from mia_dual.store.keys import moments_key
from mia_dual.training.family import Family, Member, suited
from mia_dual.training.jobs import first_state, make_job
from mia_dual.training.waiting import that_wait
from mia_dual.training.weights import drawn_names

WORTH_KEEPING = 3e11
"""Counted operations of a call after which its models' states are kept: some ten seconds on two
cores, so that a kill costs no more than that.
"""

FIRST_AVERAGE = "first/"
"""Begins the names of the optimizer's first averages (:class:`mia_dual.interface.State`)."""


@dataclass(frozen=True)
class Trained:
    """A stored model: what is known of it, and the steps its whole training takes (one where a
    backend fits models at once).

    ``passed``: what is stored of the states that stay, after each segment but the last: the
    model, then its moments. ``segment_steps``: the steps of each segment.
    """

    entry: Entry
    steps: int
    passed: tuple[tuple[Entry, Entry], ...] = ()
    segment_steps: tuple[int, ...] = ()


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
        longest takes place; where a state of them stays, the others go on from it. Raises
        DivergedError and NetworkError as backends do.
        """
        environment = self.engine.environment
        family, members = suited(family, members, self.engine.capabilities)
        keys = {label: family.keys(environment, member) for label, member in members.items()}
        last = {label: chain[-1] for label, chain in keys.items()}
        staying = {
            label: [keys[label][epoch] for epoch in family.segment_ends(member) if member.stays]
            for label, member in members.items()
        }
        needed = [*last.values(), *(key for chain in staying.values() for key in chain)]
        self._folder.refer(key for found in needed for key in (found, moments_key(found)))
        found = {key: self._find_model(key) for key in last.values()}
        missing = [label for label, key in last.items() if found[key] is None]
        while missing:
            wave = self._that_wait(family, members, self._wave(missing, staying), keys)
            found.update(self._train(title, family, members, wave, keys, staying))
            # A training that goes on from a stored state passes no earlier ones.
            missing = [label for label in missing if found.get(last[label]) is None]
        return {
            label: Trained(
                entry,
                family.steps(members[label]),
                tuple(self._passed(staying[label])),
                family.segment_steps(members[label]),
            )
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

    def first_averages(self, trained: Trained) -> dict[str, np.ndarray]:
        """The optimizer's first average of each trained parameter at the end of a training."""
        entry = self._folder.find(moments_key(trained.entry.key))
        content = None if entry is None else self._folder.store.read(entry)
        if content is None:
            raise StoreError(
                f"the optimizer's state of model '{trained.entry.name}' is not in the store, or "
                "damaged: run again, and it is made again"
            )
        return {
            name[len(FIRST_AVERAGE) :]: array
            for name, array in safetensors.numpy.load(content).items()
            if name.startswith(FIRST_AVERAGE)
        }

    def _wave(self, missing: Sequence[str], staying: Mapping[str, list[str]]) -> list[str]:
        """Those of ``missing`` that wait for no state that another of them is about to reach."""
        chosen: list[str] = []
        coming: set[str] = set()
        for label in missing:
            if coming.isdisjoint(staying[label]):
                chosen.append(label)
                coming.update(key for key in staying[label] if self._folder.find(key) is None)
        return chosen

    def _that_wait(
        self,
        family: Family,
        members: Mapping[str, Member],
        wave: Sequence[str],
        keys: Mapping[str, list[str]],
    ) -> list[str]:
        """Those of ``wave`` that memory has room for until they are trained."""
        labels = _longest(wave, keys)
        weights = self._start(family, members[labels[0]], keys[labels[0]]).state.weights
        waiting = [members[label] for label in labels]
        count = that_wait(family, waiting, weights, self.engine.execution)
        reached = {key for label in labels[:count] for key in keys[label]}
        return [label for label in wave if keys[label][-1] in reached]

    def _passed(self, keys: Sequence[str]) -> Iterator[tuple[Entry, Entry]]:
        """What is stored of the states of ``keys``; one that is damaged or gone is left out."""
        for key in keys:
            entry, beside = self._find_model(key), self._find_model(moments_key(key))
            if entry is not None and beside is not None:
                yield entry, beside

    def _find_model(self, key: str) -> Optional[Entry]:
        entry = self._folder.find_sound(key)
        return None if entry is None else self._folder.store.stay(entry)

    def _train(
        self,
        title: str,
        family: Family,
        members: Mapping[str, Member],
        missing: Sequence[str],
        keys: Mapping[str, list[str]],
        staying: Mapping[str, list[str]],
    ) -> dict[str, Entry]:
        backend = self.engine.backend
        wanted = {keys[label][-1] for label in missing}
        wanted.update(key for label in missing for key in staying[label])
        bare = {keys[label][-1] for label in missing if members[label].weights_only}
        planned = [label for label in missing if not members[label].weights_only]
        bare -= {key for label in planned for key in (keys[label][-1], *staying[label])}
        called = {keys[label][-1]: label for label in reversed(missing)}
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
        ends = {label: family.ends(members[label]) for label in labels}
        taken = {
            label: int(np.append(0, ends[label])[start.epochs]) for label, start in starts.items()
        }
        total = sum(family.steps(members[label]) for label in labels)
        left = sum(len(job.batches) for job in jobs)
        seen = sum(int(np.count_nonzero(job.batches != NO_RECORD)) for job in jobs)
        a_step = seen / max(left, 1)
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
        earlier = round((total - left) * a_step)
        with self._progress.stage(
            title, earlier + seen, earlier, unit="records", models=len(planned)
        ) as report:
            self.engine.train_calls += 1
            reached = backend.train(
                family.spec, family.optimizer, jobs, family.records, _as_records(report, a_step)
            )
            for state in reached:
                label, start = state.name, starts[state.name]
                epoch = int(np.searchsorted(ends[label], taken[label] + state.step)) + 1
                key = keys[label][epoch]
                entry = self._keep(
                    state,
                    key,
                    called.get(key, label),
                    start.seconds,
                    passing=key not in wanted,
                    goes_on=key not in bare or epoch in now_and_then,
                )
                for passed in {start.epochs, *kept[label]}:
                    if passed < epoch:
                        self._forget(keys[label][passed])
                if key in wanted:
                    made[key] = entry
                    report(0, sum(keys[label][-1] == key for label in planned))
        return made

    def _keep(
        self,
        kept: KeptState,
        key: str,
        name: str,
        seconds: float,
        passing: bool,
        goes_on: bool,
    ) -> Entry:
        weights = kept.state.weights
        for array in weights.values():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise DivergedError(kept.name, kept.state.steps)
        store = self._folder.store
        if goes_on:
            moments = {**kept.state.moments, "steps": np.array([kept.state.steps], np.int64)}
            # Before the weights: where those are, the moments are.
            store.put(moments_key(key), "moments", name, _as_safetensors(moments), passing=passing)
        content = _as_safetensors(weights)
        return store.put(key, "model", name, content, seconds + kept.seconds, passing)

    def _start(self, family: Family, member: Member, chain: Sequence[str]) -> _Start:
        """The furthest stored state of a model, or its first."""
        store, folder = self._folder.store, self._folder
        for epochs in range(len(chain) - 2, 0, -1):
            entry, beside = folder.find(chain[epochs]), folder.find(moments_key(chain[epochs]))
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
        records = sum(len(member.segments[-1].rows) for member in members)
        operations = records * training_flops(family.spec, weights)
        every = max(1, round(self._worth_keeping / max(operations, 1)))
        return range(every, longest, every)


def _as_records(report: Advance, a_step: float) -> ReportSteps:
    """Tells ``report`` of model-steps as records seen, a record once a model that sees it.

    A step has ``a_step`` of them, the mean of a call: the last batch of an epoch may be smaller
    than the others, which is evened out at the end.
    """
    steps = told = 0

    def advance(more: int) -> None:
        nonlocal steps, told
        steps += more
        report(round(steps * a_step) - told)
        told = round(steps * a_step)

    return advance


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
    contiguous = {name: np.ascontiguousarray(arrays[name]) for name in arrays}
    # Where there is no room for what it writes, the library ends the process; this is an error.
    np.empty(2 * sum(array.nbytes for array in contiguous.values()), np.uint8)
    return safetensors.numpy.save(contiguous)
