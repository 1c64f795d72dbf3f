"""How the ranks of a job share its training out.

Rank 0 waits for the others, compares what they are about to do with its own, cuts the models that
the store lacks into tasks (:mod:`mia_dual.engines.tasks`), and deals these out so that all ranks
have about as much to compute. Each rank trains its share into the store that all of them see.
Models do not depend on which others are trained beside them, so rank 0 then walks as it would
alone and finds nearly everything made; what a rank left undone, it makes itself. So it does with
models that go on from a target, which has to be there first; they are few and short. No rank talks
to another but through files: no collective communication is set up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import mia_dual
from mia_dual.config import Config
from mia_dual.data.dataset import Dataset
from mia_dual.engine import Engine
from mia_dual.engines.tasks import ROUNDS, cut, deal
from mia_dual.errors import RankError
from mia_dual.flops import training_flops
from mia_dual.plan.draft import plan_dataset
from mia_dual.plan.plan import FIRST
from mia_dual.progress import Progress
from mia_dual.quoting import quoted
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.training.family import suited
from mia_dual.training.jobs import built_weights
from mia_dual.training.planned import plan_families, plan_members
from mia_dual.training.stages import lacking, target_stages
from mia_dual.training.trainer import Trainer
from mia_dual.xihe.board import Board, Note
from mia_dual.xihe.lines import Say

DONE = "done"


@dataclass(frozen=True)
class _Lacking:
    """A model that the store lacks, and what training it takes."""

    name: str
    recipe: str
    operations: float


class Team:
    """What the ranks of a job are about to train, as one of them sees it.

    Raises DataError or ConfigError where the records cannot give what is asked of them.
    """

    def __init__(
        self, config: Config, dataset: Dataset, engine: Engine, progress: Progress, say: Say
    ) -> None:
        self._config, self._dataset, self._engine = config, dataset, engine
        self._progress, self._say = progress, say
        dataset, self._plan = plan_dataset(config, dataset)
        self._families = plan_families(self._plan, config, dataset)

    def lead(self, board: Board, folder: RunFolder) -> None:
        """Have every model of the plan trained by a rank, as far as ranks are there: for rank 0.

        Raises RankError, before anything is trained, where a rank is about to do something else.
        """
        self._engine.recall(folder.read_json("environment.json"))
        ours = self._identity()
        board.say(identity=ours)
        notes = self._meet(board)
        heard = {str(number): note["mark"] for number, note in notes.items()}
        for number, note in notes.items():
            differing = _difference(ours, note["identity"])
            if differing:
                refusal = (
                    f"rank {number} was started otherwise than rank 0 ({differing} there): start "
                    "all ranks with the same arguments, code and data"
                )
                board.say(heard=heard, refusal=refusal)
                raise RankError(refusal)
        shares = self._deal(folder, [0, *notes])
        board.say(heard=heard, shares={str(number): names for number, names in shares.items()})
        self._train(shares[0], folder)
        for number in notes:
            ended = _end(board, number)
            if ended != DONE:
                self._say(f"rank {number} {ended}: rank 0 trains what it left")

    def follow(self, board: Board, store: Store, place: Path) -> None:
        """Train what rank 0 deals to this rank, with a log in ``place``: for every other rank.

        Raises RankError where rank 0 refuses or is silent, and what training raises.
        """
        board.say(identity=self._identity())
        note = _join(board)
        if note is None:
            self._say("rank 0 had stopped waiting for this rank: nothing is left to do")
            return
        if "refusal" in note:
            raise RankError(note["refusal"])
        names = note["shares"][str(board.rank.number)]
        with RunFolder(place, self._config, store) as folder:
            self._train(names, folder)
        board.say(ended=DONE)
        self._say(f"trained {len(names)} models; rank 0 finishes")

    def _identity(self) -> dict[str, Any]:
        """What ranks must have in common, as JSON holds it."""
        return {
            "config": self._config.model_dump(mode="json"),
            "data": self._dataset.digest(),
            "mia_dual": mia_dual.__version__,
            "environment": self._engine.environment,
        }

    def _meet(self, board: Board) -> dict[int, Note]:
        """Rank -> note, of those that answered; those that were silent too long are named."""
        present: dict[int, Note] = {}
        waiting = list(range(1, board.rank.size))
        while waiting:
            for number in list(waiting):
                note = board.read(number)
                if note is not None and note.get("heard") == board.mark:
                    present[number] = note
                    waiting.remove(number)
                elif board.is_silent(number):
                    self._say(
                        f"rank {number} did not come within {board.limit:g} s: the others train "
                        "its share"
                    )
                    waiting.remove(number)
            board.pause()
        return dict(sorted(present.items()))

    def _deal(self, folder: RunFolder, ranks: Sequence[int]) -> dict[int, list[str]]:
        """Rank -> names of the models it trains, of those that the store lacks."""
        tasks = cut(
            self._lacking(folder),
            lambda model: model.recipe,
            lambda model: model.operations,
            ROUNDS * len(ranks),
        )
        return {
            rank: [model.name for task in share for model in task.models]
            for rank, share in zip(ranks, deal(tasks, len(ranks)))
        }

    def _lacking(self, folder: RunFolder) -> list[_Lacking]:
        found = []
        environment = self._engine.environment
        for recipe, family in self._families.items():
            planned = plan_members(self._plan, recipe)
            fitting, members = suited(family, planned, self._engine.capabilities)
            lacking = {
                name: member
                for name, member in members.items()
                if folder.find(fitting.keys(environment, member)[-1]) is None
            }
            if not lacking:
                continue
            # A kind of model that is no network has none counted.
            weights = built_weights(fitting, self._engine.backend, seed=0)
            each = max(training_flops(fitting.spec, weights), 1)
            for name, member in lacking.items():
                seen = sum(segment.epochs * len(segment.rows) for segment in member.segments)
                found.append(_Lacking(name, recipe, float(each * seen)))
        return found

    def _train(self, names: Sequence[str], folder: RunFolder) -> None:
        trainer = Trainer(self._engine, folder, self._progress)
        for recipe, family in self._families.items():
            members = plan_members(self._plan, recipe)
            mine = {name: members[name] for name in members if name in names}
            if FIRST in mine:
                stages = target_stages(self._plan, self._config, family, self._engine)
                mine.update({name: stage.member for name, stage in lacking(stages, folder).items()})
            if mine:
                trainer.train("models", family, mine)


def _join(board: Board) -> Optional[Note]:
    """What rank 0 decided; None where it decided without this rank."""
    answered = ""
    while True:
        note = board.read(0)
        if note is not None:
            if note["mark"] != answered:
                answered = note["mark"]
                board.say(heard=answered)
            if "shares" in note or "refusal" in note:
                if note["heard"].get(str(board.rank.number)) == board.mark:
                    return note
                if board.lives(0):
                    return None
            elif "ended" in note and board.lives(0):
                raise RankError(f"rank 0 {note['ended']}: this rank has nothing to do")
        if board.is_silent(0):
            raise RankError(
                f"rank 0 gave no sign of life in '{board.folder}' for {board.limit:g} s: see its "
                "log; all ranks must see the same output folder"
            )
        board.pause()


def _end(board: Board, number: int) -> str:
    """How rank ``number`` ended."""
    while True:
        note = board.read(number)
        if note is not None and "ended" in note:
            return str(note["ended"])
        if board.is_silent(number):
            return f"gave no sign of life for {board.limit:g} s"
        board.pause()


def _difference(ours: Any, theirs: Any, key: str = "") -> str:
    """The first thing in which ``theirs`` differs; empty where nothing does."""
    if isinstance(ours, Mapping) and isinstance(theirs, Mapping):
        differing = (
            _difference(ours.get(part), theirs.get(part), f"{key}.{part}" if key else part)
            for part in sorted(ours.keys() | theirs.keys())
        )
        return next(filter(None, differing), "")
    if ours == theirs:
        return ""
    return f"{key.removeprefix('config.')} is {quoted(ours)} here, {quoted(theirs)}"
