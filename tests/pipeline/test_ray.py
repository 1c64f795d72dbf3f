"""A Ray cluster of two nodes does what the backend does, and outlives what happens to it."""

import os
import threading
import time

import numpy as np
import pytest

from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.engines import tasks
from mia_dual.engines.cluster import Cluster
from mia_dual.engines.ray_backend import RayBackend
from mia_dual.errors import BackendError
from mia_dual.interface import NetworkSpec, Optimizer, Records, State, TrainingJob
from mia_dual.networks import blank_weights
from mia_dual.progress import Silent
from mia_dual.registry import load_backend
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.testing import (
    check_environment_names_framework_version_and_device,
    check_unknown_device_is_refused,
    checks_for,
)
from mia_dual.walks.run import run_audit
from tests.numpy_backend import NumpyBackend, NumpyEngine
from tests.pipeline.test_bad_input import assert_refused

CONFIG = Config.model_validate(
    {
        "split": {"target_members": 120, "target_non_members": 120, "shadow_members": 120},
        "target": {"network": "fcnet", "hidden": 16, "epochs": 4, "learning_rate": 0.05},
        "shadows": {"count": 8},
        "attack": {"families": ["thresholds", "lira"]},
        "deletion": {"ratios": [0.1], "methods": ["full"]},
    }
)
SPEC = NetworkSpec("fcnet", (8,), 2, 4)
OF_THIS_MACHINE = {
    check_unknown_device_is_refused,
    check_environment_names_framework_version_and_device,
}
"""What checks ask the class of a backend, which says what this machine has."""

ODD = "tests.odd_backends"


@pytest.fixture(scope="module")
def two_nodes():
    """A cluster of two nodes with a core each, the first with what it takes for a GPU; gives it
    and the second node.
    """
    utilities = pytest.importorskip("ray.cluster_utils")
    cluster = utilities.Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "num_gpus": 1})
    second = cluster.add_node(num_cpus=1)
    yield cluster, second
    cluster.shutdown()


@pytest.fixture
def backend(two_nodes):
    """A backend by its class, in the workers of the cluster."""
    made = []

    def make(name, **options):
        made.append(RayBackend(name, "cpu", cluster=Cluster(two_nodes[0].address), **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


def jobs_of(*names):
    rng, start = np.random.default_rng(0), State(blank_weights(SPEC))
    return [
        TrainingJob(name, start, rng.integers(0, 50, (20, 5)), np.full(20, 0.1)) for name in names
    ]


def records():
    rng = np.random.default_rng(1)
    return Records(rng.normal(size=(50, 8)).astype(np.float32), rng.integers(0, 2, 50))


def test_a_cluster_passes_the_conformance_kit(backend):
    through = backend("tests.numpy_backend:NumpyBackend")
    assert len(through.nodes) == 2
    for check in checks_for(NumpyBackend):
        if check not in OF_THIS_MACHINE:
            check(through)


def test_what_kills_its_worker_or_never_ends_is_named_and_the_rest_is_done(backend, monkeypatch):
    monkeypatch.setattr(tasks, "PATIENCE", 3.0)
    through = backend(f"{ODD}:Poisoned", most=1)
    jobs = jobs_of("one", "poison", "two", "endless", "three")
    done = []
    states = through.train(SPEC, Optimizer("sgd"), jobs, records(), lambda steps: None)
    with pytest.raises(BackendError) as refused:
        done.extend(state.name for state in states)
    assert sorted(done) == ["one", "three", "two"]
    assert "2 of 5 models could not be trained (poison, endless)" in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_nodes_that_would_not_compute_alike_are_refused(backend):
    with pytest.raises(BackendError, match="would not compute alike: version is"):
        backend(f"{ODD}:Unlike")


def test_a_task_that_no_node_has_room_for_is_refused(two_nodes):
    wanted = Cluster(two_nodes[0].address, resources={"NPU": 1})
    with pytest.raises(BackendError, match="no node of the Ray cluster has 1 CPU, 1 NPU"):
        RayBackend("tests.numpy_backend:NumpyBackend", "cpu", cluster=wanted)


@pytest.mark.parametrize(
    ("device", "gpus", "remedy"),
    [
        ("cuda", 0.0, "--device cuda with --gpus-per-task 1"),
        ("cuda:1", 1.0, "--device cuda with --gpus-per-task 1"),
        ("ascend", 1.0, "--device ascend with --resource NPU=1"),
    ],
)
def test_a_card_that_no_task_takes_is_refused(device, gpus, remedy):
    with pytest.raises(BackendError, match=remedy):
        RayBackend("torch", device, cluster=Cluster("localhost:1", gpus))


@pytest.mark.soak  # each process takes seconds to start
def test_tasks_that_take_a_card_never_meet_a_process_of_another(two_nodes):
    """Ray would give it to them, and what has begun to compute on a card stays there."""
    cluster = Cluster(two_nodes[0].address, gpus=1)
    through = RayBackend("tests.numpy_backend:NumpyBackend", "cpu", cluster=cluster)
    try:
        asked = [through._do(_process) for _ in range(4)]
        processes, cards = zip(*map(through._get, asked))
    finally:
        through.close()
    assert len(set(processes)) == 4
    assert set(cards) == {"0"}


def _process(recipe):
    return os.getpid(), os.environ["CUDA_VISIBLE_DEVICES"]


def test_what_is_no_cluster_is_a_line(cli):
    run = ("run", "--dry-run")
    assert_refused(cli(*run, "--engine", "ray", "--resource", "NPU"), "'NPU'", "NPU=1")
    assert_refused(cli(*run, "--gpus-per-task", "1"), "--engine ray")
    nowhere = ("--engine", "ray", "--ray-address", "localhost:1")
    assert_refused(cli("run", *nowhere), "no Ray cluster answers at 'localhost:1'")


def test_a_run_that_loses_a_node_ends_as_one_that_does_not(two_nodes, backend, tmp_path):
    """The last one: it takes a node away."""
    cluster, second = two_nodes
    dataset = load_dataset("digits")

    def audit(name, engine):
        store = Store(tmp_path / f"store-{name}")
        with RunFolder(tmp_path / name, CONFIG, store) as folder:
            run_audit(CONFIG, NumpyEngine(engine), dataset, folder, Silent())
        return (tmp_path / name / "results.json").read_bytes()

    through = backend("tests.slow_torch:SlowTorch")
    began = threading.Event()

    def lose():
        began.wait(60)
        time.sleep(0.5)
        cluster.remove_node(second, allow_graceful=False)

    train = through.train

    def noticed(*arguments):
        began.set()
        yield from train(*arguments)

    through.train = noticed
    losing = threading.Thread(target=lose, daemon=True)
    losing.start()
    found = audit("disturbed", through)
    losing.join()
    assert found == audit("alone", load_backend("torch", "cpu"))
    # The run may notice it before the cluster says so.
    deadline = time.monotonic() + 60
    while len([node for node in through._ray.nodes() if node["Alive"]]) > 1:
        assert time.monotonic() < deadline
        time.sleep(0.1)
