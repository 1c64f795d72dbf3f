"""An accelerator's kernels and the host's NumPy follow the same rule, from state to state.

Runs in a process of its own: on a CPU MindSpore is imported by worker processes only.
"""

import subprocess
import sys

PROGRAM = """
from dataclasses import replace
from functools import cache

import numpy as np

from mia_dual.interface import NetworkSpec, Optimizer, State, TrainingJob
from mia_dual.networks import blank_weights
from mia_dual.seeds import generator
from mia_dual.testing import example_mask, example_records, part_of
from mia_dual.training.batches import draw_batches
from mia_dual.training.weights import draw_weights
from mia_dual_mindspore import device
from mia_dual_mindspore.single import Learner
from mia_dual_mindspore.stacked.stack import Stack
from mia_dual_mindspore.stacked.training import train_together

device.start("cpu")
spec = NetworkSpec("fcnet", (1, 8, 8), 4, hidden=16)
records = example_records(spec)
batches = draw_batches(np.arange(32), 3, 8, generator(0, "updates"))
start = State(draw_weights(blank_weights(spec), generator(0, "updates", "weights")))
job = TrainingJob("a", start, batches, np.linspace(0.02, 0.001, 12), keep=(5,))


@cache
def learner(on_host):
    return Learner(spec, on_host)


@cache
def stack():
    return Stack(spec, models=3, batch=8)  # a place that nobody takes


def single(on_host, optimizer, job):
    kept = learner(on_host).train(optimizer, job, records, lambda steps: None)
    return [reached.state for reached in kept]


def stacked(on_host, optimizer, jobs):
    kept = train_together(stack(), optimizer, jobs, records, lambda steps: None, on_host)
    return {(state.name, state.step): state.state for state in kept}


def check(one, other, tolerance=1e-5):
    assert one.steps == other.steps
    for ours, theirs in ((one.weights, other.weights), (one.moments, other.moments)):
        assert ours.keys() == theirs.keys()
        for name in ours:
            gap = np.abs(ours[name] - theirs[name]).max()
            assert gap <= tolerance, (name, gap)


def same_bits(one, other):
    pairs = ((one.weights, other.weights), (one.moments, other.moments))
    return all(np.array_equal(a[name], b[name]) for a, b in pairs for name in a)


def check_mask(found, mask):
    for name, trained in mask.items():
        assert np.array_equal(found.weights[name][~trained], start.weights[name][~trained]), name


for optimizer in (Optimizer("sgd", 0.9, 0.01), Optimizer("adam", weight_decay=0.01)):
    (at_five, host), (_, device_) = (single(on_host, optimizer, job) for on_host in (True, False))
    check(host, device_)
    moved = [np.abs(host.weights[name] - start.weights[name]).max() for name in start.weights]
    assert max(moved) > 0.01
    # Two of different age in one stack: Adam corrects each by its own count of steps.
    rest = part_of(job, 5, 12, at_five)
    other = replace(job, name="b", learning_rates=job.learning_rates / 3, keep=())
    for on_host in (True, False):
        (last,) = single(on_host, optimizer, rest)
        check(last, host)
        found = stacked(on_host, optimizer, [other, rest])
        check(found["a", 7], host)
        check(found["b", 12], single(True, optimizer, other)[-1])
        # Alone all its steps are at one rate, which the host takes in the graph of the gradients.
        alone = stacked(on_host, optimizer, [other])["b", 12]
        assert not on_host or same_bits(found["b", 12], alone)
    # Masked by either, one by one and stacked.
    mask = example_mask(start.weights)
    jobs = [replace(job, mask=mask), replace(other, mask=example_mask(start.weights, "b"))]
    host, device_ = (single(on_host, optimizer, jobs[0])[-1] for on_host in (True, False))
    check(host, device_)
    for found in (host, device_, *(stacked(on, optimizer, jobs)["a", 12] for on in (True, False))):
        check(host, found)
        check_mask(found, mask)
"""


def test_host_and_device_updates_agree():
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stderr[-3000:]
