"""The verdict on a run: what its figures say, in a headline, tiles and sentences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mia_dual.report.grade import GUESSING, Grade, Graded, grade_of
from mia_dual.report.page.phrases import Phrases
from mia_dual.report.results import DeletionResult, Results
from mia_dual.report.strength import strongest_around


@dataclass(frozen=True)
class Verdict:
    """``tiles`` are figures, each with what it is; ``limits``: what this does not show."""

    grade: Grade
    headline: str
    tiles: tuple[tuple[str, str], ...]
    sentences: tuple[str, ...]
    limits: tuple[str, ...]


def verdict_on(results: Results, say: Phrases) -> Verdict:
    """What ``results`` say, by the attack that their grade is by."""
    graded = grade_of(results)
    return Verdict(
        graded.grade,
        say(f"verdict.{graded.grade}"),
        tuple(_tiles(results, graded, say)),
        tuple(_sentences(results, graded, say)),
        tuple(_limits(results, say)),
    )


def _tiles(results: Results, graded: Graded, say: Phrases) -> Iterator[tuple[str, str]]:
    name, rate = graded.attack, graded.rate
    found = results.attacks[name]
    if rate is not None:
        yield say.share(found.tpr_at_fpr[rate]), say("tile.found", attack=name)
        yield say.ends(found.tpr_interval[rate], shares=True), say("tile.interval")
        yield say.rate(float(rate)), say("tile.accused")
    yield say.number(found.auc), say("tile.auc")
    records = (found.members + found.non_members) // results.targets
    yield f"{records:,}", say("tile.records", targets=results.targets)


def _sentences(results: Results, graded: Graded, say: Phrases) -> Iterator[str]:
    name, rate = graded.attack, graded.rate
    found = results.attacks[name]
    others = found.non_members // results.targets
    if rate is not None:
        yield say(
            "verdict.found_group" if graded.grade == "group" else "verdict.found",
            attack=name,
            what=say.attack(name),
            found=say.share(found.tpr_at_fpr[rate]),
            interval=say.ends(found.tpr_interval[rate], shares=True),
            rate=say.rate(float(rate)),
        )
    yield say(
        "verdict.auc",
        auc=say.share(found.auc),
        interval=say.ends(found.auc_interval, shares=True),
    )
    better = sum(
        one.auc_interval is not None and one.auc_interval[0] > GUESSING
        for one in results.attacks.values()
    )
    yield say("verdict.sure", better=better, all=len(results.attacks))
    if rate is not None:
        count = int(float(rate) * others + 1e-9)
        yield say("verdict.threshold", others=others, rate=say.rate(float(rate)), count=count)
    yield say(
        "verdict.on",
        members=found.members // results.targets,
        others=others,
        data=results.data.name,
        targets=results.targets,
        shadows=results.shadows,
    )
    yield say(
        "verdict.gap",
        train=say.share(results.target.train_accuracy),
        test=say.share(results.target.test_accuracy),
    )
    yield _on_deletions(results, say)


def _on_deletions(results: Results, say: Phrases) -> str:
    attack = strongest_around(results, (*results.deletion, *results.compared))
    if attack is None or not results.deletion:
        return say("verdict.no_deletion")
    counts = [entry.deleted for entry in results.deletion]
    held = sum(_holds_guessing(entry, attack) for entry in results.deletion)
    kind = "all" if held == len(counts) else "some" if held else "none"
    return say(
        f"verdict.deletion_{kind}",
        attack=attack,
        held=held,
        all=len(counts),
        least=min(counts),
        most=max(counts),
    )


def _holds_guessing(entry: DeletionResult, attack: str) -> bool:
    interval = entry.attacks[attack].deleted.after.auc_interval
    return interval is None or interval[0] <= GUESSING


def _limits(results: Results, say: Phrases) -> Iterator[str]:
    yield say("not.proof")
    if results.targets == 1:
        yield say("not.one_target")
    else:
        yield say("not.targets", targets=results.targets)
    yield say("not.average")
    if results.deletion:
        yield say("not.deletion")
