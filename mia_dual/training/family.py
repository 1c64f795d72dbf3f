"""Models that are trained alike on the same records, and so may be trained together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Callable, Optional

import numpy as np

from mia_dual.errors import BackendError
from mia_dual.interface import (
    NO_RECORD,
    Capability,
    NetworkSpec,
    Optimizer,
    Records,
    Targets,
)
from mia_dual.networks import is_factory
from mia_dual.seeds import generator
from mia_dual.store.keys import array_digest, key_of, next_key, start_key
from mia_dual.store.source import factory_source
from mia_dual.training.batches import learning_rates
from mia_dual.training.segment import Segment
from mia_dual.training_settings import TrainingSettings


@dataclass(frozen=True)
class Member:
    """One model of a family: its training is a chain of ``segments``, one after the other.

    Weights, batches and the network's own stream are drawn from ``seed`` and ``name``. ``targets``
    say what it learns to answer in place of labels; None: labels alone. ``origin``: the store's
    key of the model whose weights it starts from, its optimizer at rest; None: weights of its own.
    ``mask``: which values of its parameters are trained (:class:`mia_dual.interface.TrainingJob`);
    None: all. ``stays``: the state after every segment stays in the store, so that trainings that
    begin alike go on from there. ``weights_only``: nothing is to go on from it, so that its
    optimizer's moments are not stored.
    """

    name: str
    seed: int
    segments: tuple[Segment, ...]
    targets: Optional[Targets] = None
    origin: Optional[str] = None
    mask: Optional[Mapping[str, np.ndarray]] = None
    stays: bool = False
    weights_only: bool = False

    @staticmethod
    def of(
        name: str,
        rows: np.ndarray,
        epochs: int,
        seed: int,
        targets: Optional[Targets] = None,
        origin: Optional[str] = None,
    ) -> Member:
        """A model that is trained on ``rows`` (sorted record indices) for ``epochs``."""
        return Member(name, seed, (Segment(rows, epochs),), targets, origin)

    @property
    def epochs(self) -> int:
        """Of all segments."""
        return sum(segment.epochs for segment in self.segments)

    @property
    def rows(self) -> np.ndarray:
        """The records that it sees: sorted, each once."""
        parts = [segment.rows for segment in self.segments]
        parts += [one.beside.rows for one in self.segments if one.beside is not None]
        return parts[0] if len(parts) == 1 else np.unique(np.concatenate(parts))

    @property
    def peculiarities(self) -> dict[str, Any]:
        """What is in the keys of members that have targets, an origin or a mask, and in no
        other's.
        """
        found: dict[str, Any] = {}
        if self.targets is not None:
            rows, distributions = self.targets.rows, self.targets.distributions
            found["target_rows"] = array_digest(rows)
            found["target_distributions"] = array_digest(distributions)
        if self.origin is not None:
            found["origin"] = self.origin
        if self.mask is not None:
            found["mask"] = {name: array_digest(part) for name, part in self.mask.items()}
        return found


class Family:
    """A network, how it is trained, and on what; how long is each member's own matter.

    ``digest`` is that of the records, which ``records`` gives when they are first needed.
    """

    def __init__(
        self,
        spec: NetworkSpec,
        settings: TrainingSettings,
        digest: str,
        records: Callable[[], Records],
    ) -> None:
        self.spec, self.settings, self.digest = spec, settings, digest
        self._records = records

    @cached_property
    def records(self) -> Records:
        """The records."""
        return self._records()

    @property
    def optimizer(self) -> Optimizer:
        """The update rule."""
        settings = self.settings
        return Optimizer(settings.optimizer, settings.momentum, settings.weight_decay)

    @cached_property
    def source(self) -> Optional[str]:
        """The digest of a user's factory; None for networks of ours."""
        return factory_source(self.spec.name) if is_factory(self.spec.name) else None

    @cached_property
    def key(self) -> str:
        """The digest of all that its members have in common, the backend aside."""
        settings = self.settings
        return key_of(
            {
                "spec": asdict(self.spec),
                "source": self.source,
                "optimizer": asdict(self.optimizer),
                "records": self.digest,
                "batch_size": settings.batch_size,
                "rates": [settings.learning_rate, settings.decay_every, settings.decay],
            }
        )

    def ends(self, member: Member) -> np.ndarray:
        """How many steps ``member`` has taken after each epoch: (epochs,) int64, rising."""
        each = [one.steps_an_epoch(self.settings) for one in member.segments]
        return np.repeat(each, [one.epochs for one in member.segments]).cumsum()

    def steps(self, member: Member) -> int:
        """Optimizer steps of the whole training of ``member``."""
        return int(self.ends(member)[-1])

    def batches(self, member: Member) -> tuple[np.ndarray, Optional[np.ndarray]]:
        """Every batch of the training of ``member``, (steps, batch) int64 record indices, and what
        its records weigh, as float32; None where that is the same for all.
        """
        parts, shares = [], []
        width = max(segment.width(self.settings) for segment in member.segments)
        plain = all(segment.is_plain for segment in member.segments)
        for number, segment in enumerate(member.segments):
            labels = ("batches", member.name, *([str(number)] if number else []))
            drawn = segment.batches(self.settings, generator(member.seed, *labels))
            lacking = ((0, 0), (0, width - drawn.shape[1]))
            parts.append(np.pad(drawn, lacking, constant_values=NO_RECORD))
            if not plain:
                shares.append(np.pad(segment.shares(drawn, self.settings), lacking))
        return np.concatenate(parts), None if plain else np.concatenate(shares)

    def rates(self, member: Member) -> np.ndarray:
        """The learning rate of each epoch of ``member``: (epochs,) float64."""
        settings = self.settings
        parts = [
            np.full(one.epochs, one.rate)
            if one.rate is not None
            else learning_rates(
                settings.learning_rate,
                one.epochs,
                one.epochs,
                settings.decay_every,
                settings.decay,
            )
            for one in member.segments
        ]
        return np.concatenate(parts)

    def keys(self, environment: dict[str, str], member: Member) -> list[str]:
        """The key of ``member`` before its first epoch, and after each: (epochs + 1,)."""
        key = start_key(
            {
                "environment": environment,
                "spec": asdict(self.spec),
                "source": self.source,
                "optimizer": asdict(self.optimizer),
                "records": self.digest,
                "batch_size": self.settings.batch_size,
                "seed": member.seed,
                "name": member.name,
                **member.peculiarities,
            }
        )
        keys = [key]
        rates = iter(self.rates(member).tolist())
        for number, segment in enumerate(member.segments):
            said = {"segment": number, **segment.describe()}
            for epoch in range(segment.epochs):
                link = {"number": epoch, "rate": next(rates), **({} if epoch else said)}
                keys.append(next_key(keys[-1], link))
        return keys

    def segment_steps(self, member: Member) -> tuple[int, ...]:
        """Optimizer steps of each segment of ``member``."""
        return tuple(one.epochs * one.steps_an_epoch(self.settings) for one in member.segments)

    def segment_ends(self, member: Member) -> list[int]:
        """Epochs after which ``member`` is done with a segment that is not its last."""
        return np.cumsum([segment.epochs for segment in member.segments])[:-1].tolist()


class FamilyAtOnce(Family):
    """Models that are fitted once, on all their records: one step, of one batch, at no rate.

    How long, in which batches, by which rule and how fast the settings would have a network
    trained means nothing to them, and is in no key: a member of other epochs is the same model.
    """

    def ends(self, member: Member) -> np.ndarray:
        """The one fit."""
        return np.ones(1, np.int64)

    def batches(self, member: Member) -> tuple[np.ndarray, Optional[np.ndarray]]:
        """All records of ``member``: (1, rows)."""
        return member.rows[None, :], None

    def segment_steps(self, member: Member) -> tuple[int, ...]:
        """The one fit."""
        return (1,)

    def rates(self, member: Member) -> np.ndarray:
        """Nothing that counts: (1,) zero."""
        return np.zeros(1)

    def keys(self, environment: dict[str, str], member: Member) -> list[str]:
        """The key of ``member`` before it is fitted, and after: (2,)."""
        key = start_key(
            {
                "environment": environment,
                "spec": asdict(self.spec),
                "source": self.source,
                "records": self.digest,
                "rows": array_digest(member.rows),
                "seed": member.seed,
                "name": member.name,
                **member.peculiarities,
            }
        )
        return [key, next_key(key, {"fitted": True})]


def suited(
    family: Family, members: Mapping[str, Member], capabilities: frozenset[Capability]
) -> tuple[Family, dict[str, Member]]:
    """``family`` and its ``members`` as a backend of ``capabilities`` trains them.

    Raises BackendError where it fits models at once, and one takes steps of its own kind.
    """
    if Capability.STEPS in capabilities:
        return family, dict(members)
    for member in members.values():
        plain = all(segment.is_plain for segment in member.segments)
        if member.origin is not None or member.mask is not None or not plain:
            raise BackendError(
                f"model '{member.name}' goes on from another, and this backend fits models at "
                "once: choose a backend of networks"
            )
    at_once = FamilyAtOnce(family.spec, family.settings, family.digest, lambda: family.records)
    return at_once, {
        label: replace(member, segments=(Segment(member.rows, 1),), stays=False)
        for label, member in members.items()
    }
