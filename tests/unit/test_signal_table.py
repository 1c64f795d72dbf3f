"""What references say, as attacks see it: the same numbers whatever the memory and the threads."""

import tempfile
import tracemalloc

import numpy as np
import pytest

from mia_dual.answers import Answers
from mia_dual.attacks import scratch as scratches
from mia_dual.attacks.scratch import AT_ONCE, scratch
from mia_dual.attacks.table import SignalTable
from mia_dual.errors import DataError
from mia_dual.execution import Execution
from mia_dual.plan.plan import single
from mia_dual.signals import SIGNALS

RECORDS, CLASSES = 3000, 5
NAMES = ["a", "b", "c", "d", "e"]
VERSIONS = [single(name) for name in NAMES]
ROWS = np.arange(500, 2500)


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    """Answers in files, of models that were asked about other records besides; members; labels."""
    folder, rng = tmp_path_factory.mktemp("answers"), np.random.default_rng(0)
    rows, logits, members = {}, {}, {}
    for number, name in enumerate(NAMES):
        scattered = rng.random(RECORDS) < 0.5
        scattered[ROWS] = True
        rows[name] = ROWS if number == 0 else np.flatnonzero(scattered)
        said = rng.normal(0, 8, (len(rows[name]), CLASSES)).astype(np.float32)
        np.save(folder / f"{name}.npy", said)
        logits[name] = np.load(folder / f"{name}.npy", mmap_mode="r")
        members[name] = rng.permutation(RECORDS)[:1000]
    return Answers(rows, logits, {}), rows, logits, members, rng.integers(0, CLASSES, RECORDS)


@pytest.mark.parametrize(
    "rows", [ROWS[:200], ROWS[:1], ROWS[:50:3], ROWS[99::-1], np.zeros(0, np.int64)], ids=len
)
def test_a_model_says_the_same_of_a_record_however_it_is_asked_for(asked, rows):
    answers, asked_of, logits, _, _ = asked
    for name in NAMES:
        expected = np.stack(
            [logits[name][asked_of[name] == row][0] for row in rows] or [logits[name][0]]
        )
        found = answers.of(name, rows)
        assert found.shape == (len(rows), CLASSES)
        assert np.array_equal(found, expected[: len(rows)])


@pytest.mark.parametrize("signal", ["log_odds", "log_confidence"])
@pytest.mark.parametrize("rows", [ROWS, ROWS[::3]], ids=len)
def test_memory_and_threads_move_no_signal(asked, signal, rows):
    answers, asked_of, logits, members, labels = asked
    expected = np.array(
        [
            SIGNALS[signal](logits[name][np.isin(asked_of[name], rows)], labels[rows])
            for name in NAMES
        ],
        np.float32,
    )
    inside = np.stack([np.isin(rows, members[name]) for name in NAMES])
    for execution in (Execution(memory=1, workers=3), Execution(workers=1), Execution()):
        table = SignalTable(VERSIONS, members, rows, answers, labels, execution=execution)
        assert np.array_equal(table.values(signal), expected)
        assert np.array_equal(table.inside, inside)
        for without, left in (({"c"}, [0, 1, 3, 4]), ({"e"}, [0, 1, 2, 3]), ({"a", "c"}, [1, 3, 4]),
                              (set(), [0, 1, 2, 3, 4]), (set(NAMES), [])):  # fmt: skip
            panel = table.panel(signal, np.zeros(len(rows)), without)
            assert np.array_equal(panel.references, expected[left])
            assert np.array_equal(panel.inside, inside[left])
        some = np.arange(len(rows)) % 7 == 0
        panel = table.panel(signal, np.arange(len(rows)), {"b"}, some)
        assert np.array_equal(panel.references, expected[[0, 2, 3, 4]][:, some])
        assert np.array_equal(panel.target, np.flatnonzero(some))


def test_one_left_out_at_the_end_is_not_copied_for(asked):
    answers, _, _, members, labels = asked
    table = SignalTable(VERSIONS, members, ROWS, answers, labels)
    panel = table.panel("log_odds", np.zeros(len(ROWS)), {"e"})
    assert np.shares_memory(panel.references, table.values("log_odds"))


def test_what_does_not_fit_lies_beside_memory(asked, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    shape, size = (300, 1000), 4 * 300 * 1000
    tracemalloc.start()
    beside = scratch(shape, AT_ONCE * size - 1)
    beside[:] = 7
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < size / 4
    assert beside.dtype == np.float32
    assert (beside == 7).all()
    # Nobody else sees the file, so nothing is left however the process ends.
    assert list(tmp_path.iterdir()) == []


def test_signals_that_stay_leave_less_memory_to_those_that_come(asked, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    answers, _, _, members, labels = asked
    size = 4 * len(NAMES) * len(ROWS)
    table = SignalTable(
        VERSIONS, members, ROWS, answers, labels, execution=Execution(memory=AT_ONCE * size)
    )
    peaks = []
    for signal in ("log_odds", "log_confidence"):
        tracemalloc.start()
        table.values(signal)
        held, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        peaks.append(held)
    assert peaks[0] > size > 4 * peaks[1]


def test_no_room_anywhere_is_a_line(monkeypatch):
    class Full:
        free = 1000

    monkeypatch.setattr(scratches.shutil, "disk_usage", lambda folder: Full)
    with pytest.raises(DataError, match=r"300 references for 1000 records .* raise --memory"):
        scratch((300, 1000), 1000)


def test_a_diverged_reference_is_a_line_from_any_thread(asked):
    _, rows, logits, members, labels = asked
    broken = Answers(rows, {**logits, "d": np.full_like(logits["d"], np.nan)}, {})
    table = SignalTable(VERSIONS, members, ROWS, broken, labels, execution=Execution(workers=2))
    with pytest.raises(DataError, match="it has diverged"):
        table.values("log_odds")
