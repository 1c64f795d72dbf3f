"""Every attack's scores of every version of the target: computed once, stored, found again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mia_dual.answers import Answers
from mia_dual.attacks.base import Attack, Need
from mia_dual.attacks.references import References
from mia_dual.deletion.versions import version_logits
from mia_dual.plan.plan import Version
from mia_dual.progress import Progress
from mia_dual.store.files import as_npy
from mia_dual.store.folder import RunFolder
from mia_dual.store.keys import scores_key


@dataclass(frozen=True)
class Scores:
    """``table``: attack -> version -> (rows,) float64; ``rows``: sorted record indices."""

    rows: np.ndarray
    table: Mapping[str, Mapping[str, np.ndarray]]

    def of(self, attack: str, version: str, rows: np.ndarray) -> np.ndarray:
        """The scores of ``rows``, each of which is in ``self.rows``."""
        return self.table[attack][version][np.searchsorted(self.rows, rows)]

    def arrays(self, labels: np.ndarray) -> dict[str, np.ndarray]:
        """As ``scores.npz`` holds them: ``rows`` (records,), their ``labels`` (records,) int64,
        ``versions`` (their names), and for every attack (versions, records) float64.

        ``labels`` are those of all records of the data set.
        """
        versions = list(next(iter(self.table.values())))
        arrays = {
            "rows": self.rows,
            "labels": labels[self.rows],
            "versions": np.array(versions),
        }
        for attack, scores in self.table.items():
            arrays[attack] = np.stack([scores[version] for version in versions])
        return arrays


def score(
    attacks: Sequence[Attack],
    references: References,
    versions: Sequence[Version],
    answers: Answers,
    rows: np.ndarray,
    folder: RunFolder,
    progress: Progress,
) -> Scores:
    """Score ``rows`` (sorted record indices) of each of ``versions`` by each of ``attacks``.

    An attack is fitted only where the store lacks some of its scores, once, and asked about all
    that are lacking in one call.
    """
    found = references.keys()
    table = {}
    with progress.stage("attacks", len(attacks)) as report:
        for attack in attacks:
            keys = {
                version.name: scores_key(attack.describe(), found, _version_key(version, answers))
                for version in versions
            }
            table[attack.name] = _score(attack, references, versions, answers, rows, folder, keys)
            report(1)
    return Scores(rows, table)


def _score(
    attack: Attack,
    references: References,
    versions: Sequence[Version],
    answers: Answers,
    rows: np.ndarray,
    folder: RunFolder,
    keys: Mapping[str, str],
) -> dict[str, np.ndarray]:
    folder.refer(keys.values())
    scores = {name: _find(folder, key) for name, key in keys.items()}
    missing = [version for version in versions if scores[version.name] is None]
    # Attack models that are stored come into the folder, and damaged ones are made again, though
    # nothing may be left to score.
    scorer = attack.fit(references) if missing or Need.ATTACK_MODELS in attack.needs else None
    if scorer is not None and missing:
        logits = np.stack([version_logits(version, answers, rows) for version in missing])
        fresh = scorer.scores(logits, rows)
        for version, row in zip(missing, fresh):
            content = as_npy(row)
            folder.store.put(
                keys[version.name], "scores", f"{attack.name} on {version.name}", content
            )
            scores[version.name] = row
        folder.log("attack", attack=attack.name, versions=[version.name for version in missing])
    return {name: row for name, row in scores.items() if row is not None}


def _find(folder: RunFolder, key: str) -> np.ndarray | None:
    entry = folder.find(key)
    if entry is None or not folder.store.is_sound(entry):
        return None
    scores: np.ndarray = np.load(folder.store.file(entry))
    return scores


def _version_key(version: Version, answers: Answers) -> list[str]:
    return [version.aggregation or "one", *(answers.key(model) for model in version.models)]
