"""How jobs are cut into chunks, and what each step of a chunk feeds."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia_dual.interface import NO_RECORD, Targets, TrainingJob
from mia_dual.seeds import generator
from mia_dual.training.batches import draw_batches
from mia_dual.training.lockstep import batch_sizes, blocks, form_chunks
from mia_dual.training.targets import TargetTable

jobs_drawn = st.lists(
    st.tuples(st.integers(1, 40), st.integers(1, 3), st.sampled_from([2, 5])),
    min_size=1,
    max_size=12,
).map(
    lambda wanted: [
        job(str(number), records, epochs, width)
        for number, (records, epochs, width) in enumerate(wanted)
    ]
)


def job(name, records, epochs, width):
    batches = draw_batches(np.arange(records) + 100, epochs, width, generator(0, name))
    return TrainingJob(name, {}, batches, np.linspace(0.1, 1, len(batches)))


@given(jobs_drawn, st.integers(1, 8), st.integers(1, 4), st.booleans())
def test_chunks_hold_every_job_once_and_keep_their_promises(jobs, most, workers, alike):
    chunks = form_chunks(jobs, most, workers, alike)
    assert sorted(job.name for chunk in chunks for job in chunk) == sorted(job.name for job in jobs)
    for chunk in chunks:
        lengths = [len(job.batches) for job in chunk]
        assert 0 < len(chunk) <= min(most, -(-len(jobs) // workers))
        assert lengths == sorted(lengths, reverse=True)
        assert lengths[0] <= 2 * lengths[-1]
        assert len({job.batches.shape[1] for job in chunk}) == 1
        if alike:
            assert len({batch_sizes(job).tobytes() for job in chunk}) == 1


def test_equal_jobs_are_shared_out_evenly():
    jobs = [job(str(number), 20, 1, 5) for number in range(11)]
    assert [len(chunk) for chunk in form_chunks(jobs, most=100, workers=2)] == [6, 5]
    assert [len(chunk) for chunk in form_chunks(jobs, most=4, workers=2)] == [4, 4, 3]


@given(jobs_drawn, st.integers(1, 50))
def test_blocks_feed_each_job_its_own_steps(jobs, longest):
    for chunk in form_chunks(jobs, most=8):
        taken = {job.name: 0 for job in chunk}
        for block in blocks(chunk, longest):
            assert 0 < block.steps <= longest
            for place, job in enumerate(chunk[: block.models]):
                start = taken[job.name]
                batches = job.batches[start : start + block.steps]
                real = batches != NO_RECORD
                assert np.array_equal(block.rows[:, place][real], batches[real])
                assert np.array_equal(block.shares[:, place] > 0, real)
                assert block.shares[:, place].sum(axis=1) == pytest.approx(1)
                rates = job.learning_rates[start : start + block.steps]
                assert np.array_equal(block.rates[:, place], rates)
                taken[job.name] += block.steps
            assert np.array_equal(block.widths, (block.shares > 0).sum(2).max(1))
        assert taken == {job.name: len(job.batches) for job in chunk}


def test_jobs_with_targets_come_in_chunks_of_their_own():
    jobs = [job(str(number), 20, 1, 5) for number in range(6)]
    aimed = Targets(np.arange(0), np.zeros((0, 3), np.float32))
    jobs[::2] = [replace(job, targets=aimed) for job in jobs[::2]]
    chunks = form_chunks(jobs, most=100)
    assert [[job.name for job in chunk] for chunk in chunks] == [["0", "2", "4"], ["1", "3", "5"]]


def test_jobs_with_masks_come_in_chunks_of_their_own():
    jobs = [job(str(number), 20, 1, 5) for number in range(6)]
    jobs[1::2] = [replace(job, mask={}) for job in jobs[1::2]]
    chunks = form_chunks(jobs, most=100)
    assert [[job.name for job in chunk] for chunk in chunks] == [["0", "2", "4"], ["1", "3", "5"]]


def test_a_record_has_its_jobs_target_or_else_its_label():
    labels = np.arange(140) % 3
    jobs = [job(str(number), 40, 1, 5) for number in range(4)]
    jobs[3] = replace(jobs[3], targets=Targets(np.arange(0), np.zeros((0, 3), np.float32)))
    own = np.arange(100, 140, 3)
    for place in (1, 2):
        distributions = generator(0, f"{place}").dirichlet(np.ones(3), len(own)).astype(np.float32)
        jobs[place] = replace(jobs[place], targets=Targets(own, distributions))
    table = TargetTable(jobs, labels, classes=3)
    rows = np.stack([job.batches for job in jobs], axis=1)
    found = table.distributions[table.places(rows)]
    for place, each in enumerate(jobs):
        for row, distribution in zip(rows[:, place].ravel(), found[:, place].reshape(-1, 3)):
            expected = np.eye(3)[labels[row]]
            if place in (1, 2) and row in own:
                expected = each.targets.distributions[np.flatnonzero(own == row)[0]]
            assert np.array_equal(distribution, expected)
    shared = TargetTable([jobs[1]] * 3, labels, classes=3)
    assert len(shared.distributions) == 3 + len(own)
    fewer = table.places(rows[:, :2])
    assert np.array_equal(fewer, table.places(rows)[:, :2])
