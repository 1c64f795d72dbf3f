"""Reference models (shadows): whose members and non-members the attacker knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mia_dual.answers import Answers
from mia_dual.attacks.evidence import Evidence, gather_evidence
from mia_dual.plan.splits import Membership


@dataclass(frozen=True)
class References:
    """``names`` of the models, and the ``memberships`` of each; ``answers`` is what they say.

    ``labels`` (records,) int64, in 0 .. ``classes`` - 1, are those of the records that the
    references were trained on and asked about; ``audited_labels`` those of the records that
    targets are. Both are the same where the attacker has records of the target's own kind.
    ``prefix`` begins the names of attack models that are fitted on them.
    """

    names: Sequence[str]
    memberships: Sequence[Membership]
    answers: Answers
    labels: np.ndarray
    audited_labels: np.ndarray
    classes: int
    seed: int
    prefix: str = ""

    def keys(self) -> list[str]:
        """The store's keys of what the models say."""
        return [self.answers.key(name) for name in self.names]

    @cached_property
    def evidence(self) -> Evidence:
        """Their outputs, balanced and joined: what attack models are fitted on."""
        outputs = (
            self.answers.of(name, membership.rows)
            for name, membership in zip(self.names, self.memberships)
        )
        return gather_evidence(self.memberships, outputs, self.labels, self.seed)
