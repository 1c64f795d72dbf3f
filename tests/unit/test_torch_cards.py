"""Which card a worker of torch's computes on: with stand-ins for cards."""

import threading
from contextlib import contextmanager, nullcontext
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from mia_dual.errors import BackendError
from mia_dual.execution import Execution
from mia_dual.interface import NetworkSpec, Records
from mia_dual_torch import training, workers
from mia_dual_torch.adapter import TorchBackend
from mia_dual_torch.cards import place_workers
from mia_dual_torch.draws import drawing_from
from mia_dual_torch.records import EachDevicesRecords

CPU = torch.device("cpu")


@pytest.fixture
def cards(monkeypatch):
    """Has cards of these models answer."""

    def make(*names):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: len(names))
        monkeypatch.setattr(torch.cuda, "get_device_name", lambda card: names[card.index])

    return make


def numbers(backend):
    return [place.index for place in backend._places()]


@pytest.mark.parametrize(
    ("device", "asked", "expected"),
    [
        ("auto", None, [0, 1, 2]),
        ("cuda", None, [0, 1, 2]),
        ("cuda", 2, [0, 1]),
        ("cuda", 5, [0, 1, 2, 0, 1]),
        ("cuda:1", None, [1]),
        ("cuda:1", 2, [1, 1]),
    ],
)
def test_workers_take_the_cards_in_turn_and_no_key_says_which(cards, device, asked, expected):
    cards("A", "A", "A")
    backend = TorchBackend(device, Execution(workers=asked))
    assert numbers(backend) == expected
    environment = backend.environment()
    assert (environment["device"], environment["gpu"]) == ("cuda", "A")
    assert environment == TorchBackend("cuda").environment()


def test_cores_of_a_cpu_are_one_device():
    assert place_workers([CPU], 3) == [CPU] * 3
    assert place_workers([CPU], None) == [CPU] * torch.get_num_threads()


def test_cards_of_two_models_are_refused_unless_one_is_used(cards):
    cards("A", "A", "B")
    with pytest.raises(BackendError, match=r"cuda:0 is A, cuda:2 is B: .*--device cuda:0"):
        TorchBackend("cuda")
    assert numbers(TorchBackend("cuda", Execution(workers=2))) == [0, 1]
    assert TorchBackend("cuda:2").environment()["gpu"] == "B"


def test_a_card_that_is_not_there_is_refused(cards):
    cards("A", "A")
    with pytest.raises(BackendError, match=r"'cuda:2'.* auto, cuda, cpu, cuda:0, cuda:1$"):
        TorchBackend("cuda:2")


def test_each_thread_works_on_its_card(monkeypatch):
    places = [torch.device("cuda", number) for number in (0, 1)]
    current, meeting = {}, threading.Barrier(2, timeout=30)
    monkeypatch.setattr(
        torch.cuda, "set_device", lambda card: current.update({threading.get_ident(): card})
    )

    def work(place, report):
        meeting.wait()
        yield place, current[threading.get_ident()]

    found = list(workers.run([work] * 4, places, lambda steps: None))
    assert sorted(map(str, found)) == sorted(map(str, [(place, place) for place in places] * 2))


def test_records_are_put_on_a_device_once():
    records = Records(np.zeros((3, 2), np.float32), np.zeros(3, np.int64))
    there = EachDevicesRecords(records)
    assert there.on(CPU) is there.on(CPU)
    meta = there.on(torch.device("meta"))
    assert meta.features.device.type == "meta"


@pytest.mark.parametrize(
    ("memory", "numbers", "expected"),
    [(None, [0], 400), (None, [0, 1], 200), (None, [0, 1, 0], 200), (None, [0] * 4, 100),
     (4000, [0, 1], 200)],
)  # fmt: skip
def test_so_many_models_train_together_as_the_fullest_card_holds(
    memory, numbers, expected, monkeypatch
):
    free = {0: 8000, 1: 4000}
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda card: (free[card.index], 8000))
    monkeypatch.setattr(training, "bytes_a_model", lambda *about: 10)
    places = [torch.device("cuda", number) for number in numbers]
    job = SimpleNamespace(batches=np.zeros((1, 5), np.int64), mask=None)
    data = SimpleNamespace(device=places[0])
    spec = NetworkSpec("fcnet", (2,), 2)
    assert training._most(spec, [job], data, Execution(memory=memory), places) == expected


def test_what_is_drawn_on_a_card_is_seeded_there(monkeypatch):
    entered, seeded = [], []

    @contextmanager
    def on(device):
        entered.append(device)
        yield
        entered.pop()

    monkeypatch.setattr(torch.random, "fork_rng", lambda devices: nullcontext())
    monkeypatch.setattr(torch.cuda, "device", on)
    monkeypatch.setattr(torch.cuda, "manual_seed", lambda seed: seeded.append(entered[-1]))
    state = torch.get_rng_state()
    with drawing_from(3, device=torch.device("cuda", 1)):
        pass
    torch.set_rng_state(state)
    assert seeded == [torch.device("cuda", 1)]
