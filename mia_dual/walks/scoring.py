"""Every attack's scores of every version of every target: computed once, stored, found again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mia_dual.answers import Answers
from mia_dual.attacks.asked import Asked
from mia_dual.attacks.base import Attack, Need, Scorer
from mia_dual.attacks.cuts import CUTS, fit_cuts
from mia_dual.attacks.references import References
from mia_dual.deletion.versions import version_keys
from mia_dual.plan.plan import Version
from mia_dual.progress import Progress
from mia_dual.store.files import as_npy
from mia_dual.store.folder import RunFolder
from mia_dual.store.keys import array_digest, scores_key

CUTS_OF = "cuts/"
"""Begins the names of thresholds in ``scores.npz``."""


Table = Mapping[str, Mapping[str, np.ndarray]]


@dataclass(frozen=True)
class Scores:
    """``table``: attack -> version -> (rows,) float64; ``cuts``: attack -> version -> (``CUTS``,)
    float64; ``rows``: sorted record indices; ``versions``: all by name, some of which an attack may
    lack.
    """

    rows: np.ndarray
    table: Table
    cuts: Table
    versions: tuple[str, ...]

    def of(self, attack: str, version: str, rows: np.ndarray) -> np.ndarray:
        """The scores of ``rows``, each of which is in ``self.rows``."""
        return self.table[attack][version][np.searchsorted(self.rows, rows)]

    def attacks(self, version: str) -> list[str]:
        """Those that ran on ``version``."""
        return [attack for attack, found in self.table.items() if version in found]

    def joined(self, other: Scores, versions: Sequence[str]) -> Scores:
        """Of ``versions``, in that order, those that ``other`` has; of the rest, ours."""
        kept = set(versions).difference(other.versions)

        def both(ours: Table, theirs: Table) -> Table:
            return {
                attack: {
                    **{version: found[version] for version in found if version in kept},
                    **theirs.get(attack, {}),
                }
                for attack, found in ours.items()
            }

        return Scores(
            self.rows, both(self.table, other.table), both(self.cuts, other.cuts), tuple(versions)
        )

    def arrays(self, labels: np.ndarray) -> dict[str, np.ndarray]:
        """As ``scores.npz`` holds them: ``rows`` (records,), their ``labels`` (records,) int64,
        ``versions`` (their names), for every attack (versions, records) float64, NaN for a version
        that it did not run on, and under ``cuts/<attack>`` its thresholds (versions, ``CUTS``)
        float64, NaN where there is none.

        ``labels`` are those of all records of the data set.
        """
        arrays = {
            "rows": self.rows,
            "labels": labels[self.rows],
            "versions": np.array(self.versions),
        }
        unknown, no_cuts = np.full(len(self.rows), np.nan), np.full(len(CUTS), np.nan)
        for attack, scores in self.table.items():
            cuts = self.cuts[attack]
            arrays[attack] = np.stack([scores.get(name, unknown) for name in self.versions])
            arrays[f"{CUTS_OF}{attack}"] = np.stack(
                [cuts.get(name, no_cuts) for name in self.versions]
            )
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

    An attack is fitted only where the store lacks some of its scores, once, or once a target where
    it looks at what references say of the same records, and asked about all that are lacking in
    one call.
    """
    by_target: dict[str, list[Version]] = {}
    for version in versions:
        by_target.setdefault(version.target, []).append(version)
    scorings = {
        attack.name: [
            (_Scoring(attack, fitted_on, answers, rows, folder), part)
            for fitted_on, part in (
                [(references.without(target), part) for target, part in by_target.items()]
                if attack.by_target
                else [(references, list(versions))]
            )
        ]
        for attack in attacks
    }
    # All at once, since what a run needs is written down each time.
    folder.refer(
        key for work in scorings.values() for scoring, part in work for key in scoring.keys(part)
    )
    table, cuts = {}, {}
    with progress.stage("attacks", len(attacks) * len(versions)) as report:
        for name, work in scorings.items():
            found: dict[str, np.ndarray] = {}
            thresholds: dict[str, np.ndarray] = {}
            for scoring, part in work:
                scores, fitted = scoring.run(part)
                found.update(scores)
                thresholds.update(dict.fromkeys((version.name for version in part), fitted))
                report(len(part))
            table[name] = {version.name: found[version.name] for version in versions}
            cuts[name] = thresholds
    return Scores(rows, table, cuts, tuple(version.name for version in versions))


class _Scoring:
    """One attack with one set of references, fitted once at most."""

    def __init__(
        self,
        attack: Attack,
        references: References,
        answers: Answers,
        rows: np.ndarray,
        folder: RunFolder,
    ) -> None:
        self._attack, self._references = attack, references
        self._answers, self._rows, self._folder = answers, rows, folder
        self._described = attack.describe()
        self._of_references = [*references.keys(attack.by_target), array_digest(rows)]
        if Need.TRAINING in attack.needs:
            self._of_references += references.taught_keys()
        self._scorer: Scorer | None = None

    def keys(self, versions: Sequence[Version]) -> list[str]:
        """Those of all that :meth:`run` finds or makes."""
        return [*(self._version_key(version) for version in versions), self._cuts_key()]

    def run(self, versions: Sequence[Version]) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Of each of ``versions``, by name, scores (rows,) float64; and the attack's thresholds,
        (``CUTS``,) float64.
        """
        # Attack models that are stored come into the folder, and damaged ones are made again,
        # though nothing may be left to score.
        if Need.ATTACK_MODELS in self._attack.needs:
            self._fitted()
        found = self._scores(versions), self._cuts()
        # What was fitted may be large, and others come after it.
        self._scorer = None
        return found

    def _scores(self, versions: Sequence[Version]) -> dict[str, np.ndarray]:
        keys = {version.name: self._version_key(version) for version in versions}
        found = {name: self._find(key) for name, key in keys.items()}
        missing = [version for version in versions if found[version.name] is None]
        if missing:
            fresh = self._fitted().scores(Asked(missing, self._answers), self._rows)
            for version, row in zip(missing, fresh):
                self._put(keys[version.name], version.name, row)
                found[version.name] = row
            names = [version.name for version in missing]
            self._folder.log("attack", attack=self._attack.name, versions=names)
        return {name: row for name, row in found.items() if row is not None}

    def _cuts(self) -> np.ndarray:
        found = self._find(self._cuts_key())
        if found is None:
            found = fit_cuts(self._fitted().known())
            self._put(self._cuts_key(), "references", found)
        return found

    def _fitted(self) -> Scorer:
        if self._scorer is None:
            self._scorer = self._attack.fit(self._references)
        return self._scorer

    def _version_key(self, version: Version) -> str:
        return self._key(version_keys(version, self._answers))

    def _cuts_key(self) -> str:
        return self._key({"cuts": CUTS})

    def _key(self, of: object) -> str:
        return scores_key(self._described, self._of_references, of)

    def _find(self, key: str) -> np.ndarray | None:
        entry = self._folder.find(key)
        if entry is None or not self._folder.store.is_sound(entry):
            return None
        found: np.ndarray = np.load(self._folder.store.file(entry))
        return found

    def _put(self, key: str, of: str, found: np.ndarray) -> None:
        name = f"{self._attack.name} on {of}"
        self._folder.store.put(key, "scores", name, as_npy(found))
