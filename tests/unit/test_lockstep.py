"""How jobs are cut into chunks, and what each step of a chunk feeds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia_dual.interface import NO_RECORD, TrainingJob
from mia_dual.seeds import generator
from mia_dual.training.batches import draw_batches
from mia_dual.training.lockstep import batch_sizes, blocks, form_chunks

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
    assert [len(chunk) for chunk in form_chunks(jobs, most=100, workers=2)] == [5, 6]
    assert [len(chunk) for chunk in form_chunks(jobs, most=4, workers=2)] == [3, 4, 4]


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
