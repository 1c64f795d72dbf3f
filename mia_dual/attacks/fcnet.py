"""The shadow attack with FCNet attack models, trained by the backend under audit."""

from __future__ import annotations

from typing import Any, Optional

import numpy as np

from mia_dual.attacks.asked import Asked
from mia_dual.attacks.base import Known, Need
from mia_dual.attacks.features import Features
from mia_dual.attacks.references import References, Shadows
from mia_dual.interface import NO_RECORD, NetworkSpec, Records
from mia_dual.signals import confidences
from mia_dual.store.folder import RunFolder
from mia_dual.store.keys import array_digest, key_of
from mia_dual.training.family import Family, Member
from mia_dual.training.trainer import Trainer
from mia_dual.training_settings import TrainingSettings


class FCNetAttack:
    """Shokri et al. 2017, section VI: an attack model per class on confidence vectors."""

    needs = frozenset({Need.SHADOWS, Need.ATTACK_MODELS})
    by_target = False

    def __init__(
        self,
        settings: TrainingSettings,
        features: Features,
        trainer: Optional[Trainer],
        folder: RunFolder,
        seed: int,
    ) -> None:
        self.name = f"shadow_fcnet{features.suffix}"
        self._features = features
        self._settings, self._maybe_trainer, self._folder = settings, trainer, folder
        self._seed = seed

    @property
    def _trainer(self) -> Trainer:
        if self._maybe_trainer is None:
            raise ValueError(f"{self.name} needs {Need.ATTACK_MODELS.value}")
        return self._maybe_trainer

    def describe(self) -> dict[str, Any]:
        """See :class:`mia_dual.attacks.base.Attack`."""
        return {
            "name": self.name,
            "settings": self._settings.model_dump(mode="json"),
            "environment": self._trainer.engine.environment,
            "seed": self._seed,
        }

    def fit(self, references: References) -> FCNetScorer:
        """Train an attack model for each class."""
        return FCNetScorer(
            references.shadows, self._settings, self._features, self._trainer, self._folder
        )


class FCNetScorer:
    """The trained attack models."""

    def __init__(
        self,
        shadows: Shadows,
        settings: TrainingSettings,
        features: Features,
        trainer: Trainer,
        folder: RunFolder,
    ) -> None:
        evidence = shadows.evidence
        self._features = features
        vectors, parts = features.of(evidence.confidences), features.parts(evidence.labels)
        # Of saved outputs some class may have no records, and then no attack model.
        self._classes = np.unique(parts).tolist()
        self._labels = shadows.audited_labels
        self._evidence = evidence
        self._engine = trainer.engine
        self._spec = NetworkSpec("fcnet", vectors.shape[1:], classes=2, hidden=settings.hidden)
        family = Family(
            self._spec,
            settings,
            _digest(vectors, evidence.membership),
            lambda: Records(vectors, evidence.membership.astype(np.int64)),
        )
        members = {
            name: Member.of(name, np.flatnonzero(parts == label), settings.epochs, shadows.seed)
            for label in self._classes
            for name in [f"attack{features.suffix}-{label}"]
        }
        trained = trainer.train("attack models", family, members)
        for name, model in trained.items():
            folder.link(model.entry, f"models/{shadows.prefix}{name}.safetensors")
        self._weights = [trainer.weights(trained[name]) for name in members]

    def scores(self, asked: Asked, rows: np.ndarray) -> np.ndarray:
        """Probability of membership; see :class:`mia_dual.attacks.base.Scorer`."""
        return self._scores(confidences(asked.logits(rows)), self._labels[rows])

    def known(self) -> Known:
        """Of the evidence the attack models were trained on, which they know a little too well."""
        evidence = self._evidence
        scores = self._scores(evidence.confidences[None], evidence.labels)
        return Known(scores[0], evidence.membership)

    def _scores(self, vectors: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """(versions, records) float64 of confidence ``vectors`` (versions, records, classes)."""
        versions, records, _ = vectors.shape
        vectors = self._features.of(vectors).reshape(versions * records, -1)
        labels = self._features.parts(labels)
        # Each attack model is asked about the records of its class alone, and about each version
        # as if it were the only one, so that a score does not depend on what else is scored.
        parts = [np.flatnonzero(labels == label) for label in self._classes]
        asked = np.full((versions, len(parts), max(map(len, parts))), NO_RECORD, np.int64)
        for version in range(versions):
            for label, part in enumerate(parts):
                asked[version, label, : len(part)] = version * records + part
        said = self._engine.backend.logits(
            self._spec,
            self._weights * versions,
            Records(vectors, np.zeros(len(vectors), np.int64)),
            asked.reshape(versions * len(parts), -1),
        )
        of_member = (said[..., 1].astype(np.float64) - said[..., 0]).reshape(asked.shape)
        scores = np.empty((versions, records))
        for label, part in enumerate(parts):
            scores[:, part] = 1 / (1 + np.exp(-of_member[:, label, : len(part)]))
        return scores


def _digest(vectors: np.ndarray, membership: np.ndarray) -> str:
    return key_of({"features": array_digest(vectors), "labels": array_digest(membership)})
