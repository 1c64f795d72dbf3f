"""The models under attack, and what a run has for attacks that ask or train more than it did."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mia_dual.answers import Answers, ask
from mia_dual.deletion.versions import version_logits
from mia_dual.plan.plan import Plan, Version
from mia_dual.progress import Progress
from mia_dual.store.folder import RunFolder
from mia_dual.training.family import Family, Member
from mia_dual.training.trainer import Trained, Trainer


@dataclass(frozen=True)
class Asked:
    """Versions under attack, and ``answers`` of the models they are made of."""

    versions: Sequence[Version]
    answers: Answers

    def logits(self, rows: np.ndarray) -> np.ndarray:
        """What each version says of ``rows`` (record indices that its models were asked about):
        (versions, rows, classes) float32, or float64 where several models are joined.
        """
        return np.stack([version_logits(version, self.answers, rows) for version in self.versions])


@dataclass(frozen=True)
class Means:
    """What attacks can ask and train with: a run's ``trainer``, the target's ``family`` (its
    records are those of the data set), and the ``trained`` models of ``plan`` by name, which are
    of these ``families``.
    """

    plan: Plan
    trainer: Trainer
    folder: RunFolder
    progress: Progress
    family: Family
    trained: Mapping[str, Trained]
    families: Mapping[str, Family]

    def train(self, title: str, members: Mapping[str, Member]) -> dict[str, Trained]:
        """Models of the target's family beside the run's own, by the names they come under."""
        found = self.trainer.train(title, self.family, members)
        for name, model in found.items():
            self.folder.link(model.entry, f"models/{name}.safetensors")
        return found

    def ask(self, models: Mapping[str, Trained], rows: np.ndarray) -> Answers:
        """What each of ``models`` says of ``rows`` (sorted record indices)."""
        asked = dict.fromkeys(models, rows)
        return ask(self.trainer, self.folder, self.family, models, asked, self.progress)

    @cached_property
    def rows(self) -> np.ndarray:
        """The records that attacks look at: those under audit and the population, sorted."""
        return np.union1d(self.plan.target_rows, self.plan.split.population)

    def by_family(self) -> Iterator[tuple[Family, dict[str, Trained]]]:
        """The models under attack and all references by name, those of one family together.

        They are all that attacks look at, so that few calls ask them whatever is to be asked.
        """
        names = dict.fromkeys(
            [
                *(model.name for model in self.plan.references),
                *(
                    name
                    for version in (*self.plan.versions.values(), *self.plan.shadow_groups)
                    for name in version.models
                ),
            ]
        )
        of = self.families
        for family in dict.fromkeys(of[name] for name in names):
            yield (
                family,
                {name: self.trained[name] for name in names if of[name] is family},
            )
