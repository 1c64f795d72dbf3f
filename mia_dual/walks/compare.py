"""The walk over finished runs: what differs between each and the first, and what that shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from mia_dual.errors import StoreError
from mia_dual.metrics.agreement import apart, spearman
from mia_dual.metrics.differences import paired_share_interval, share_interval
from mia_dual.progress import Progress
from mia_dual.report.compared_verdict import JUDGED, give_verdict
from mia_dual.report.comparison import (
    AccuracyDifference,
    Agreement,
    AttackComparison,
    ClassDifference,
    Comparison,
    LogitParting,
    PairComparison,
    Parting,
    PlaceDifference,
    RunName,
    Setting,
)
from mia_dual.seeds import generator
from mia_dual.store.folder import flat
from mia_dual.walks.contrast import Contrast, difference, figures, same_records
from mia_dual.walks.finished import FinishedRun
from mia_dual.walks.parting import logits_parted, unequal_start, weights_parted
from mia_dual.walks.places import AccuracyPlace, AttackPlace, accuracy_places, attack_places

ERROR = 0.05
"""How often all intervals behind a verdict may miss, together."""

SEED = 0
"""Of the bootstrap's draws, so that a comparison repeats."""


def compare_runs(runs: Sequence[FinishedRun], progress: Progress) -> Comparison:
    """Every one of ``runs``, two at least, against the first.

    Raises StoreError where two are of other records or splits, or one is damaged.
    """
    first, *others = runs
    for other in others:
        _check_comparable(first, other)
    return Comparison(pairs=[_Pair(first, other).compare(progress) for other in others])


def _check_comparable(first: FinishedRun, second: FinishedRun) -> None:
    pair = f"'{first.path}' and '{second.path}' cannot be compared"
    ours, theirs = first.results.data, second.results.data
    if ours.digest != theirs.digest:
        raise StoreError(
            f"{pair}: they audit other records ({ours.name}, digest {ours.digest[:12]}, and "
            f"{theirs.name}, {theirs.digest[:12]}): name runs on one data set"
        )
    sizes = [(len(run.target.members), len(run.target.non_members)) for run in (first, second)]
    if sizes[0] != sizes[1]:
        raise StoreError(
            f"{pair}: their splits differ ({sizes[0][0]} members and {sizes[0][1]} non-members, "
            f"and {sizes[1][0]} and {sizes[1][1]}): name runs of one split"
        )
    if first.results.seed == second.results.seed and not _same_split(first, second):
        raise StoreError(
            f"{pair}: their splits differ though their seeds do not, so other versions of mia-dual "
            "drew them: run one of them again"
        )


class _Pair:
    """Two runs that can be compared; what could not be is noted on the way."""

    def __init__(self, first: FinishedRun, second: FinishedRun) -> None:
        self._runs = first, second
        self._left_out: list[str] = []

    def compare(self, progress: Progress) -> PairComparison:
        """All that is to be found."""
        first, second = self._runs
        ours, theirs = attack_places(first), attack_places(second)
        attacks = self._in_both("attacks", first.results.attacks, second.results.attacks)
        places = self._in_both("places", ours, theirs)
        same_split = _same_split(first, second)
        if not same_split:
            self._note_other_members()
        accuracies = self._accuracies()
        compared = []
        with progress.stage("comparing", len(attacks) * len(places)) as report:
            for attack in attacks:
                found = []
                for place in self._measured(attack, places, ours, theirs):
                    found.append(self._place(attack, (ours[place], theirs[place])))
                    report(1)
                compared.append(self._attack(attack, found, ours, theirs))
        unequal = unequal_start(first, second)
        weights, logits = self._parted(unequal)
        return PairComparison(
            first=_name(first),
            second=_name(second),
            left_out=self._left_out,
            config=_differing(
                *(flat(run.config.model_dump(mode="json")) for run in self._runs),
            ),
            environment=_differing(first.environment, second.environment),
            same_split=same_split,
            accuracies=accuracies,
            attacks=compared,
            equal_start=unequal is None,
            weights=weights,
            logits=logits,
        )

    def _in_both(self, what: str, first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
        """The names that both have; those of one alone are left out."""
        for run, ours, theirs in zip(self._runs, (first, second), (second, first)):
            alone = [name for name in ours if name not in theirs]
            if alone:
                self._left_out.append(f"{what} only in '{run.path}': {', '.join(alone)}")
        return [name for name in first if name in second]

    def _measured(
        self,
        attack: str,
        places: Sequence[str],
        ours: Mapping[str, AttackPlace],
        theirs: Mapping[str, AttackPlace],
    ) -> list[str]:
        """Those of ``places`` where ``attack`` ran in both; those in one alone are left out."""
        return self._in_both(
            f"{attack} on",
            *(
                {place: None for place in places if attack in of_run[place].success}
                for of_run in (ours, theirs)
            ),
        )

    def _note_other_members(self) -> None:
        self._left_out.append(
            f"records: the seeds drew other members, and of {len(self._runs[0].scores.rows)} "
            f"records {len(self._common('original'))} are audited in both and on the same side: "
            "agreement by record is theirs alone, and intervals take records as drawn apart"
        )

    def _place(self, attack: str, places: tuple[AttackPlace, AttackPlace]) -> PlaceDifference:
        name = places[0].name
        contrast = Contrast.at(attack, self._runs, places)
        intervals = contrast.intervals(generator(SEED, "compare", attack, name))
        ours, theirs = (figures(place.success[attack]) for place in places)
        return PlaceDifference(
            place=name,
            members=(places[0].members, places[1].members),
            non_members=(places[0].non_members, places[1].non_members),
            paired=contrast.paired,
            figures={
                figure: difference(ours[figure], theirs.get(figure), intervals.get(figure))
                for figure in ours
            },
        )

    def _attack(
        self,
        attack: str,
        found: list[PlaceDifference],
        ours: Mapping[str, AttackPlace],
        theirs: Mapping[str, AttackPlace],
    ) -> AttackComparison:
        tables = [run.scores.table[attack] for run in self._runs]
        versions = [version for version in tables[0] if version in tables[1]]
        agreement = [self._agreement(attack, version) for version in versions]
        # Bonferroni: together these miss as seldom as one interval does elsewhere.
        confidence = 1 - ERROR / max(len(JUDGED) * len(found), 1)
        joint = {
            place.place: Contrast.at(
                attack, self._runs, (ours[place.place], theirs[place.place])
            ).plain_intervals(confidence)
            for place in found
        }
        return AttackComparison(
            attack=attack,
            verdict=give_verdict(found, joint, agreement),
            places=found,
            per_class=self._per_class(attack, (ours["original"], theirs["original"])),
            agreement=agreement,
        )

    def _per_class(
        self, attack: str, places: tuple[AttackPlace, AttackPlace]
    ) -> list[ClassDifference]:
        ours, theirs = (
            {row.label: row.auc for row in run.results.attacks[attack].per_class}
            for run in self._runs
        )
        return [
            ClassDifference(label=label, auc=difference(auc, theirs[label], interval))
            for label, auc in ours.items()
            if label in theirs
            for interval in [Contrast.at(attack, self._runs, places, label).auc_interval()]
        ]

    def _common(self, version: str) -> np.ndarray:
        """Records audited in both runs that ``version`` saw in both or in neither."""
        first, second = self._runs
        rows = np.intersect1d(first.scores.rows, second.scores.rows)
        alike: np.ndarray = rows[first.seen(version, rows) == second.seen(version, rows)]
        return alike

    def _agreement(self, attack: str, version: str) -> Agreement:
        rows = self._common(version)
        ours, theirs = (run.scores.of(attack, version, rows) for run in self._runs)
        gaps = apart(ours, theirs)
        return Agreement(
            version=version,
            records=len(rows),
            spearman=spearman(ours, theirs),
            largest=float(gaps.max()) if len(rows) and np.isfinite(gaps).all() else None,
            largest_record=int(rows[gaps.argmax()]) if len(rows) else None,
            changed_sides=int(self._changed_sides(attack, version, ours, theirs).sum()),
        )

    def _changed_sides(
        self, attack: str, version: str, ours: np.ndarray, theirs: np.ndarray
    ) -> np.ndarray:
        """(records,) bool: accused in one run and not in the other, each by its own threshold."""
        cuts = [run.scores.cuts[attack][version][0] for run in self._runs]
        changed: np.ndarray = (ours > cuts[0]) != (theirs > cuts[1])
        return changed

    def _accuracies(self) -> list[AccuracyDifference]:
        ours, theirs = (accuracy_places(run) for run in self._runs)
        return [
            self._accuracy((place, theirs[name])) for name, place in ours.items() if name in theirs
        ]

    def _accuracy(self, places: tuple[AccuracyPlace, AccuracyPlace]) -> AccuracyDifference:
        first, second = places
        ours, theirs = (place.called_rightly(run) for run, place in zip(self._runs, places))
        paired = len(first.parts) == len(second.parts) and all(
            np.array_equal(one[1], other[1]) for one, other in zip(first.parts, second.parts)
        )
        interval = (paired_share_interval if paired else share_interval)(ours, theirs)
        return AccuracyDifference(
            place=first.name,
            paired=paired,
            accuracy=difference(first.accuracy, second.accuracy, interval),
        )

    def _parted(self, unequal: str | None) -> tuple[list[Parting], list[LogitParting]]:
        if unequal is not None:
            self._left_out.append(
                f"weights and logits: the runs did not begin from equal weights ({unequal})"
            )
            return [], []
        weights, left_out = weights_parted(*self._runs)
        self._left_out += left_out
        return weights, logits_parted(*self._runs)


def _same_split(first: FinishedRun, second: FinishedRun) -> bool:
    """Whether all targets of one have the members and non-members of the other's."""
    ours, theirs = first.targets, second.targets
    return ours.keys() == theirs.keys() and all(
        same_records(membership, theirs[name]) for name, membership in ours.items()
    )


def _name(run: FinishedRun) -> RunName:
    results = run.results
    return RunName(
        path=str(run.path), backend=results.backend, seed=results.seed, network=results.network
    )


def _differing(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[Setting]:
    return [
        Setting(key=key, first=first.get(key), second=second.get(key))
        for key in dict.fromkeys([*first, *second])
        if first.get(key) != second.get(key)
    ]
