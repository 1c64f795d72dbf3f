"""Reference models: shadows, whose members the attacker knows, and other targets.

A reference is a version, as what is attacked is: one model, or several that are joined, so that a
target trained in groups is held against references that were trained in groups, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Optional

import numpy as np

from mia_dual.answers import Answers
from mia_dual.attacks.asked import Means
from mia_dual.attacks.evidence import Evidence, Told, gather_evidence, gather_signal
from mia_dual.attacks.table import SignalTable
from mia_dual.deletion.versions import version_keys, version_logits
from mia_dual.plan.plan import Version
from mia_dual.plan.splits import Membership
from mia_dual.signals import Signal
from mia_dual.store.keys import array_digest, key_of


@dataclass(frozen=True)
class Shadows:
    """Shadows, which are ``versions``, and the ``memberships`` of each; ``answers`` is what their
    models say.

    ``labels`` (records,) int64, in 0 .. ``classes`` - 1, are those of the records that they were
    trained on and asked about; ``audited_labels`` those of the records that targets are. Both are
    the same where the attacker has records of the target's own kind. ``prefix`` begins the names of
    models that are fitted on them.
    """

    versions: Sequence[Version]
    memberships: Sequence[Membership]
    answers: Answers
    labels: np.ndarray
    audited_labels: np.ndarray
    classes: int
    seed: int
    prefix: str = ""

    @cached_property
    def evidence(self) -> Evidence:
        """Their outputs, balanced and joined: what attack models are fitted on."""
        outputs = (
            version_logits(version, self.answers, membership.rows)
            for version, membership in zip(self.versions, self.memberships)
        )
        return gather_evidence(self.memberships, outputs, self.labels, self.seed)

    def told(self, signal: Signal) -> Told:
        """A ``signal`` of the same outputs, of which one shadow's are looked at at a time."""

        def said(number: int, rows: np.ndarray) -> np.ndarray:
            return version_logits(self.versions[number], self.answers, rows)

        return gather_signal(self.memberships, said, self.labels, signal, self.seed)


@dataclass(frozen=True)
class Signals:
    """What references say of the same records: ``audited`` ones, and those of the ``population``
    (None where there is none). All tables are of the same references.

    Thresholds are fitted on the records of ``known``, by taking each of ``stand_ins`` for the
    target: references that saw some of them and not others. None where nothing was asked.
    """

    audited: SignalTable
    population: Optional[SignalTable]
    known: Optional[SignalTable]
    stand_ins: Sequence[str]


@dataclass(frozen=True)
class References:
    """All references of one target. ``signals``: None where none was asked about audited records.

    ``left_out``: the one of ``signals`` that is the target itself. ``means``: what asks and trains
    more; None where outputs are given and no model is.
    """

    shadows: Shadows
    signals: Optional[Signals] = None
    left_out: Optional[str] = None
    means: Optional[Means] = None

    def without(self, target: str) -> References:
        """Those of ``target``."""
        return replace(self, left_out=target)

    def keys(self, by_target: bool) -> list[str]:
        """The store's keys and digests of all that an attack fitted on them may depend on.

        Of shadows; ``by_target`` of all references that were asked about the target's records.
        """
        keys = [
            key
            for version in (self.versions if by_target else self.shadows.versions)
            for key in version_keys(version, self.shadows.answers)
        ]
        if self.signals is not None:
            signals = self.signals
            tables = (signals.audited, signals.population, signals.known)
            keys += signals.stand_ins
            keys += ["none" if table is None else array_digest(table.rows) for table in tables]
        # Attacks may train more models of the target's kind, and look at the records.
        return keys if self.means is None else [*keys, self.means.family.key]

    def taught_keys(self) -> list[str]:
        """What models that learn from the target depend on beside :meth:`keys`: what it answers,
        the seed, and the epochs that it is trained for.
        """
        if self.means is None or self.left_out is None:
            return []
        plan, epochs = self.means.plan, self.means.family.settings.epochs
        return [
            self.shadows.answers.key(self.left_out),
            key_of({"seed": plan.seed, "epochs": epochs}),
        ]

    @property
    def versions(self) -> list[Version]:
        """The references that were asked about the target's records."""
        audited = self._signals().audited
        return [version for version in audited.versions if version.name != self.left_out]

    def _signals(self) -> Signals:
        if self.signals is None:
            raise ValueError("no reference was asked about the target's records")
        return self.signals
