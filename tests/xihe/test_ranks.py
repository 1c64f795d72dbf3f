"""Ranks that share a plan's training out, in threads: who trains what, who is missing, who died."""

import threading
import time
from contextlib import contextmanager

import pytest

from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.errors import ConfigError, RankError
from mia_dual.progress import Silent
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.walks.run import run_audit
from mia_dual.xihe.board import Board, Rank
from mia_dual.xihe.ranks import Team
from tests.numpy_backend import Interrupted, NumpyBackend, NumpyEngine
from tests.xihe.conftest import SMALL

MODELS = [
    "target", "shadow-00", "shadow-01", "shadow-02", "full-10pct", "group-00", "group-01",
    "group-02", "group-00-10pct", "group-01-10pct", "group-02-10pct",
]  # fmt: skip


class RankThread(threading.Thread):
    """One rank of a job in ``folder``; ``trained`` and ``said`` tell what it did."""

    def __init__(self, folder, rank, settings=SMALL, limit=30.0, backend=None, board=Board):
        super().__init__(daemon=True)
        self.folder, self.rank, self.limit = folder, rank, limit
        self.config = Config.model_validate({"backend": "torch", **settings})
        self.backend = backend or NumpyBackend()
        self.said, self.error = [], None
        self.shared, self.board = None, board

    @property
    def trained(self):
        return self.backend.trained

    def run(self):
        try:
            self._run()
        except BaseException as error:
            self.error = error

    def _run(self):
        dataset = load_dataset("digits")
        engine = NumpyEngine(self.backend)
        store = Store(self.folder / "store")
        team = Team(self.config, dataset, engine, Silent(), self.said.append)
        with self.board(self.folder / "ranks", self.rank, self.limit) as board:
            if self.rank.number:
                team.follow(board, store, self.folder / "ranks" / f"rank-{self.rank.number}")
                return
            with RunFolder(self.folder / "run", self.config, store) as folder:
                team.lead(board, folder)
                self.shared = list(self.backend.trained)
                run_audit(self.config, engine, dataset, folder, Silent())


def together(*ranks):
    for rank in ranks:
        rank.start()
    for rank in ranks:
        rank.join(60)
        assert not rank.is_alive()
    return ranks


def results(folder):
    return (folder / "run" / "results.json").read_bytes()


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """What one process finds."""
    folder = tmp_path_factory.mktemp("alone")
    (rank,) = together(RankThread(folder, Rank(0, 1)))
    assert rank.error is None
    return results(folder)


def test_three_ranks_share_the_models_out_and_find_the_same(tmp_path, alone):
    ranks = together(*(RankThread(tmp_path, Rank(number, 3)) for number in (2, 1, 0)))
    assert [rank.error for rank in ranks] == [None] * 3
    shares = [set(ranks[0].trained), set(ranks[1].trained), set(ranks[2].shared)]
    assert sorted(name for share in shares for name in share) == sorted(MODELS)
    seen = [sum(40 if name.startswith("group") else 120 for name in share) for share in shares]
    assert max(seen) < 1.2 * sum(seen) / 3
    # The walk that follows trains attack models alone.
    assert all(name.startswith("attack-") for name in ranks[2].trained[len(shares[2]) :])
    assert results(tmp_path) == alone


def test_what_the_store_holds_is_not_dealt_out_again(tmp_path, alone):
    together(RankThread(tmp_path, Rank(0, 1)))
    ranks = together(*(RankThread(tmp_path, Rank(number, 2)) for number in (1, 0)))
    assert [rank.trained for rank in ranks] == [[], []]
    assert results(tmp_path) == alone


def test_a_rank_that_never_comes_is_named_and_its_share_trained(tmp_path, alone):
    # What an earlier job left there is no sign of life.
    (tmp_path / "ranks").mkdir()
    (tmp_path / "ranks" / "rank-1.json").write_text('{"mark": "old", "heard": "older"}')
    (rank,) = together(RankThread(tmp_path, Rank(0, 2), limit=0.5))
    assert rank.error is None
    assert rank.said == ["rank 1 did not come within 0.5 s: the others train its share"]
    assert sorted(rank.shared) == sorted(MODELS)
    assert results(tmp_path) == alone


def test_rank_0_missing_is_named_by_the_others(tmp_path):
    (rank,) = together(RankThread(tmp_path, Rank(1, 2), limit=0.5))
    assert isinstance(rank.error, RankError)
    assert "rank 0 gave no sign of life" in str(rank.error)
    assert "for 0.5 s" in str(rank.error)
    assert rank.trained == []


def test_a_rank_that_is_stopped_says_so_and_rank_0_trains_what_it_left(tmp_path, alone):
    backend = NumpyBackend()
    backend.stop_after = 20
    stopped, first = together(
        RankThread(tmp_path, Rank(1, 2), backend=backend), RankThread(tmp_path, Rank(0, 2))
    )
    assert isinstance(stopped.error, Interrupted)
    assert first.error is None
    assert first.said == ["rank 1 stopped (Interrupted): rank 0 trains what it left"]
    assert results(tmp_path) == alone


class DeadBoard(Board):
    """Of a rank that is killed: it never says how it ended."""

    def __exit__(self, *error):
        super().__exit__(None, None, None)


def test_a_rank_that_dies_is_named_after_the_limit(tmp_path, alone):
    backend = NumpyBackend()
    backend.stop_after = 20
    dead, first = together(
        RankThread(tmp_path, Rank(1, 2), backend=backend, board=DeadBoard),
        RankThread(tmp_path, Rank(0, 2), limit=1.0),
    )
    assert isinstance(dead.error, Interrupted)
    assert first.error is None
    assert first.said == ["rank 1 gave no sign of life for 1 s: rank 0 trains what it left"]
    assert results(tmp_path) == alone


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"target": {**SMALL["target"], "epochs": 9}}, "target.epochs is 8 here, 9 there"),
        ({"seed": 1}, "seed is 0 here, 1 there"),
    ],
)
def test_ranks_with_other_settings_are_refused_before_anything_is_trained(tmp_path, change, named):
    other, first, third = together(
        RankThread(tmp_path, Rank(1, 3), {**SMALL, **change}),
        RankThread(tmp_path, Rank(0, 3)),
        RankThread(tmp_path, Rank(2, 3)),
    )
    for rank in (other, first, third):
        assert isinstance(rank.error, RankError)
        assert f"rank 1 was started otherwise than rank 0 ({named})" in str(rank.error)
        assert rank.trained == []


def test_a_rank_with_another_framework_is_refused(tmp_path):
    ranks = together(
        RankThread(tmp_path, Rank(1, 2), backend=NumpyBackend(version="2")),
        RankThread(tmp_path, Rank(0, 2)),
    )
    for rank in ranks:
        assert "environment.version is '1' here, '2' there" in str(rank.error)


@contextmanager
def board(folder, number, limit=0.5):
    with Board(folder, Rank(number, 2), limit) as made:
        yield made


def test_a_board_tells_the_living_from_the_silent(tmp_path):
    with board(tmp_path, 0) as ours:
        assert ours.read(1) is None
        with board(tmp_path, 1) as theirs:
            theirs.say(word="here")
            assert ours.read(1)["word"] == "here"
            time.sleep(0.7)
            ours.read(1)
            assert ours.lives(1)
            assert not ours.is_silent(1)
        # It may have written once more since it was read.
        ours.read(1)
        time.sleep(0.7)
        assert ours.read(1)["word"] == "here"
        assert ours.is_silent(1)


def test_what_ends_a_rank_is_told(tmp_path):
    with board(tmp_path, 0) as ours:
        with pytest.raises(ConfigError), board(tmp_path, 1):
            raise ConfigError("a line")
        assert ours.read(1)["ended"] == "stopped (a line)"


@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b'{"mark": 3}', b"\xff", b"no JSON"])
def test_notes_that_are_none_are_not_read(tmp_path, content):
    with board(tmp_path, 0) as ours:
        (tmp_path / "rank-1.json").write_bytes(content)
        assert ours.read(1) is None


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(RankError, match="where ranks meet, cannot be written"),
        board(tmp_path / "file", 0),
    ):
        pass
