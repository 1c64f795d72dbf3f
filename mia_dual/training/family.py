"""Models that are trained alike on the same records, and so may be trained together."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Callable, Optional

import numpy as np

from mia_dual.config import TrainingSettings
from mia_dual.interface import NetworkSpec, Optimizer, Records
from mia_dual.networks import is_factory
from mia_dual.store.keys import array_digest, next_key, start_key
from mia_dual.store.source import factory_source
from mia_dual.training.batches import learning_rates, steps_an_epoch


@dataclass(frozen=True)
class Member:
    """One model of a family: ``rows`` are the record indices it is trained on, for ``epochs``.

    Weights, batches and the network's own stream are drawn from ``seed`` and ``name``.
    """

    name: str
    rows: np.ndarray
    epochs: int
    seed: int


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

    def steps_an_epoch(self, member: Member) -> int:
        """Optimizer steps ``member`` takes each epoch."""
        return steps_an_epoch(len(member.rows), self.settings.batch_size)

    def steps(self, member: Member) -> int:
        """Optimizer steps of the whole training of ``member``."""
        return member.epochs * self.steps_an_epoch(member)

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
            }
        )
        keys = [key]
        for number, rate in enumerate(self.rates(member.epochs).tolist(), start=1):
            keys.append(next_key(keys[-1], {"number": number, "rate": rate}))
        return keys
