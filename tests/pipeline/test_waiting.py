"""Models wait for their training as memory allows, and how many do at once changes nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.execution import Execution
from mia_dual.networks import blank_weights
from mia_dual.plan.draft import plan_dataset
from mia_dual.progress import Silent
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.training.family import Member
from mia_dual.training.jobs import first_state, make_job
from mia_dual.training.planned import plan_families
from mia_dual.training.segment import Beside, Segment
from mia_dual.training.waiting import SHARE, bytes_waiting, that_wait
from mia_dual.walks.run import run_audit
from tests.numpy_backend import NumpyBackend, NumpyEngine

SETTINGS = {
    "split": {"target_members": 120, "target_non_members": 120, "shadow_members": 60},
    "target": {"network": "fcnet", "hidden": 8, "epochs": 5, "learning_rate": 0.05},
    "shadows": {"count": 3},
    "attack": {"families": ["thresholds", "reference"]},
    "deletion": {"ratios": [0.05], "groups": 2, "slices": 2, "methods": ["full", "grouped"]},
}
CONFIG = Config.model_validate(SETTINGS)


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.fixture(scope="module")
def family(digits):
    dataset, plan = plan_dataset(CONFIG, digits)
    return plan_families(plan, CONFIG, dataset)["target"]


def test_results_are_the_same_however_few_wait(digits, family, tmp_path):
    blank = blank_weights(family.spec)
    alone = bytes_waiting(family, Member.of("shadow", np.arange(60), 5, 0), blank)
    found = {}
    for name, memory in (("all", 10**9), ("some", round(4 * alone / SHARE)), ("one", 1)):
        engine = NumpyEngine()
        engine.execution = Execution(memory=memory)
        with RunFolder(tmp_path / name, CONFIG, Store(tmp_path / f"store-{name}")) as folder:
            run_audit(CONFIG, engine, digits, folder, Silent())
        results = (tmp_path / name / "results.json").read_bytes()
        found[name] = (engine.train_calls, engine.backend.steps, results)
    pairs = [(found["all"], found["some"]), (found["some"], found["one"])]
    for (calls, steps, results), (more, as_many, same) in pairs:
        assert calls < more
        assert (steps, results) == (as_many, same)


def test_what_a_model_takes_is_what_its_job_holds(family):
    plain = Segment(np.arange(50), 3, batch_size=8)
    weighed = Segment(np.arange(20), 2, share=-1.0, beside=Beside(np.arange(30, 90), 1.0))
    backend, blank = NumpyBackend(), blank_weights(family.spec)
    for segments in ((plain,), (plain, weighed)):
        member = Member("one", 0, segments)
        job = make_job(family, member, "one", first_state(family, member, backend), 0, ())
        arrays = [job.batches, *([] if job.shares is None else [job.shares])]
        # SGD has one average of each weight, once it has taken a step.
        states = 2 * sum(array.nbytes for array in job.start.weights.values())
        held = states + sum(array.nbytes for array in arrays)
        assert bytes_waiting(family, member, blank) == held


@given(
    st.lists(st.integers(1, 300), min_size=1, max_size=8),
    st.integers(1, 10**7),
)
def test_as_many_wait_as_there_is_room_for(family, sizes, memory):
    members = [Member.of("one", np.arange(size), 4, 0) for size in sizes]
    blank = blank_weights(family.spec)
    waiting = that_wait(family, members, blank, Execution(memory=memory))
    taken = np.cumsum([bytes_waiting(family, member, blank) for member in members])
    assert waiting == 1 or taken[waiting - 1] <= memory * SHARE
    assert waiting == len(members) or taken[waiting] > memory * SHARE
