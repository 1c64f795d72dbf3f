"""Models that are trained alike on the same records, and so may be trained together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Callable, Optional

import numpy as np

from mia_dual.errors import BackendError
from mia_dual.interface import Capability, NetworkSpec, Optimizer, Records, Targets
from mia_dual.networks import is_factory
from mia_dual.seeds import generator
from mia_dual.store.keys import array_digest, key_of, next_key, start_key
from mia_dual.store.source import factory_source
from mia_dual.training.batches import draw_batches, learning_rates, steps_an_epoch
from mia_dual.training_settings import TrainingSettings


@dataclass(frozen=True)
class Member:
    """One model of a family: ``rows`` are the record indices it is trained on, for ``epochs``.

    Weights, batches and the network's own stream are drawn from ``seed`` and ``name``. ``targets``
    say what it learns to answer in place of labels; None: labels alone. ``origin``: the store's
    key of the model whose weights it starts from, its optimizer at rest; None: weights of its own.
    """

    name: str
    rows: np.ndarray
    epochs: int
    seed: int
    targets: Optional[Targets] = None
    origin: Optional[str] = None

    @property
    def peculiarities(self) -> dict[str, str]:
        """What is in the keys of members that have targets or an origin, and in no other's."""
        found = {}
        if self.targets is not None:
            rows, distributions = self.targets.rows, self.targets.distributions
            found["target_rows"] = array_digest(rows)
            found["target_distributions"] = array_digest(distributions)
        if self.origin is not None:
            found["origin"] = self.origin
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

    def steps_an_epoch(self, member: Member) -> int:
        """Optimizer steps ``member`` takes each epoch."""
        return steps_an_epoch(len(member.rows), self.settings.batch_size)

    def steps(self, member: Member) -> int:
        """Optimizer steps of the whole training of ``member``."""
        return member.epochs * self.steps_an_epoch(member)

    def batches(self, member: Member) -> np.ndarray:
        """Every batch of the training of ``member``: (steps, batch size) int64 record indices."""
        rng = generator(member.seed, "batches", member.name)
        return draw_batches(member.rows, member.epochs, self.settings.batch_size, rng)

    def rates(self, epochs: int) -> np.ndarray:
        """The learning rate of each of so many epochs: (epochs,) float64."""
        settings = self.settings
        return learning_rates(
            settings.learning_rate, epochs, epochs, settings.decay_every, settings.decay
        )

    def keys(self, environment: dict[str, str], member: Member) -> list[str]:
        """The key of ``member`` before its first epoch, and after each: (epochs + 1,)."""
        key = start_key(
            {
                "environment": environment,
                "spec": asdict(self.spec),
                "source": self.source,
                "optimizer": asdict(self.optimizer),
                "records": self.digest,
                "rows": array_digest(member.rows),
                "batch_size": self.settings.batch_size,
                "seed": member.seed,
                "name": member.name,
                **member.peculiarities,
            }
        )
        keys = [key]
        for number, rate in enumerate(self.rates(member.epochs).tolist(), start=1):
            keys.append(next_key(keys[-1], {"number": number, "rate": rate}))
        return keys


class FamilyAtOnce(Family):
    """Models that are fitted once, on all their records: one step, of one batch, at no rate.

    How long, in which batches, by which rule and how fast the settings would have a network
    trained means nothing to them, and is in no key: a member of other epochs is the same model.
    """

    def steps_an_epoch(self, member: Member) -> int:
        """The one fit."""
        return 1

    def batches(self, member: Member) -> np.ndarray:
        """All records of ``member``: (1, rows)."""
        return member.rows[None, :]

    def rates(self, epochs: int) -> np.ndarray:
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

    Raises BackendError where it fits models at once, and one has an origin.
    """
    if Capability.STEPS in capabilities:
        return family, dict(members)
    for member in members.values():
        if member.origin is not None:
            raise BackendError(
                f"model '{member.name}' goes on from another, and this backend fits models at "
                "once: choose a backend of networks"
            )
    at_once = FamilyAtOnce(family.spec, family.settings, family.digest, lambda: family.records)
    return at_once, {label: replace(member, epochs=1) for label, member in members.items()}
