"""Panels made block by block are those of the whole table, within memory."""

import tracemalloc

import numpy as np
import pytest

from mia_dual.attacks import blocks
from mia_dual.attacks.blocks import block_length, panels, signal_blocks, whole_panel
from mia_dual.signals import confidences

MODELS, RECORDS, CLASSES = 6, 700, 5


def confidence(logits, labels):
    return confidences(logits)[np.arange(len(labels)), labels].astype(np.float64)


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Logits a model, in memory-mapped files; labels; memberships of all but the first."""
    folder, rng = tmp_path_factory.mktemp("table"), np.random.default_rng(0)
    models = []
    for model in range(MODELS):
        np.save(folder / f"{model}.npy", rng.normal(size=(RECORDS, CLASSES)).astype(np.float32))
        models.append(np.load(folder / f"{model}.npy", mmap_mode="r"))
    return models, rng.integers(0, CLASSES, RECORDS), rng.random((MODELS - 1, RECORDS)) < 0.5


@pytest.mark.parametrize("memory", [1, 50_000, None])
@pytest.mark.parametrize("workers", [1, 3])
def test_blocks_are_the_whole_whatever_the_memory(table, memory, workers):
    models, labels, inside = table
    expected = np.stack([confidence(logits, labels) for logits in models])
    found = list(panels(models[0], models[1:], labels, inside, confidence, memory, workers))
    assert [records.start for records, _ in found[1:]] == [
        records.stop for records, _ in found[:-1]
    ]
    assert (len(found) == 1) == (memory is None)
    for name, whole in (("target", expected[0]), ("references", expected[1:]),
                        ("inside", inside), ("labels", labels)):  # fmt: skip
        joined = np.concatenate([getattr(panel, name) for _, panel in found], axis=-1)
        np.testing.assert_array_equal(joined, whole)
    whole = whole_panel(models[0], models[1:], labels, inside, confidence, workers)
    np.testing.assert_array_equal(whole.target, expected[0])
    np.testing.assert_array_equal(whole.references, expected[1:])
    assert whole.target.dtype == np.float64


def test_a_block_may_be_kept(table):
    models, labels, _ = table
    kept = [block for _, block in signal_blocks(models, labels, confidence, memory=30_000)]
    assert len(kept) > 2
    again = [block.copy() for _, block in signal_blocks(models, labels, confidence, memory=30_000)]
    for one, other in zip(kept, again):
        np.testing.assert_array_equal(one, other)


def test_there_may_be_no_references_and_no_records(table):
    models, labels, inside = table
    ((records, panel),) = panels(models[0], [], labels, inside[:0], confidence)
    assert (records, panel.references.shape) == (slice(0, RECORDS), (0, RECORDS))
    assert list(panels(models[0], models[1:], labels[:0], inside[:, :0], confidence)) == []


def test_blocks_keep_to_the_memory(tmp_path):
    """What is allocated stays below the limit, which is a quarter of the table."""
    rng, models, records = np.random.default_rng(0), 20, 20_000
    logits = [rng.normal(size=(records, 10)).astype(np.float32) for _ in range(models)]
    labels, inside = rng.integers(0, 10, records), np.zeros((models - 1, records), bool)
    memory = sum(part.nbytes for part in logits) // 4
    tracemalloc.start()
    for _, panel in panels(logits[0], logits[1:], labels, inside, confidence, memory, workers=2):
        panel.references.mean(axis=0)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < memory


def test_errors_of_a_signal_come_out(table):
    models, labels, inside = table

    def broken(logits, labels):
        raise ValueError("no signal")

    with pytest.raises(ValueError, match="no signal"):
        list(panels(models[0], models[1:], labels, inside, broken))


def test_a_block_has_a_record_at_least():
    assert block_length(10**7, memory=1) == 1
    assert block_length(256) * 256 <= blocks.SIGNALS_A_BLOCK
    assert block_length(0) > 1
