"""Which card a process takes, on MindSpore as it is and as it was: with stand-ins for a card."""

import atexit
import io
import queue
import subprocess
import types

import pytest

from mia_dual.errors import BackendError
from mia_dual.execution import Execution
from mia_dual_mindspore import adapter, card, crews, local


@pytest.mark.parametrize(
    ("environment", "number"),
    [
        ({}, 0),
        ({"DEVICE_ID": "3"}, 3),
        ({"ASCEND_DEVICE_ID": "5"}, 5),
        ({"DEVICE_ID": "2", "ASCEND_DEVICE_ID": "5"}, 2),
        ({"DEVICE_ID": "", "ASCEND_DEVICE_ID": " 5 "}, 5),
    ],
)
def test_a_process_takes_the_card_that_its_environment_names(environment, number, monkeypatch):
    assert card.card_number(environment) == number
    for name in card.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    for name, text in environment.items():
        monkeypatch.setenv(name, text)
    asked = []
    now = types.SimpleNamespace(set_device=lambda *given: asked.append(given))
    then = types.SimpleNamespace(set_context=lambda **given: asked.append(given))
    for mindspore in (now, then):
        monkeypatch.setattr(card, "ms", mindspore)
        card.start_card()
    assert asked == [("Ascend", number), {"device_target": "Ascend", "device_id": number}]


@pytest.mark.parametrize("text", ["first", "-1", "1.0", "²"])
def test_a_card_that_is_no_number_is_refused(text):
    with pytest.raises(BackendError, match=r"DEVICE_ID=.* is no number of a card"):
        card.card_number({"DEVICE_ID": text})


@pytest.mark.parametrize(
    ("environment", "counted", "unknown"),
    [
        ({}, [0, 1, 2], [0]),
        ({"DEVICE_ID": ""}, [0, 1, 2], [0]),
        ({"DEVICE_ID": "2"}, [2], [2]),
    ],
)
def test_a_process_has_all_cards_or_the_one_it_was_given(
    environment, counted, unknown, monkeypatch
):
    hal = types.SimpleNamespace(device_count=lambda name: 3)
    monkeypatch.setattr(card, "ms", types.SimpleNamespace(hal=hal))
    assert card.own_cards(environment) == counted
    # MindSpore 2.2 does not say how many there are.
    monkeypatch.setattr(card, "ms", types.SimpleNamespace())
    assert card.own_cards(environment) == unknown


@pytest.mark.parametrize(
    ("workers", "expected"), [(None, ["0", "1", "2"]), (2, ["0", "1"]), (9, ["0", "1", "2"])]
)
def test_each_worker_computes_on_a_card_of_its_own(workers, expected, monkeypatch):
    started = []

    class Process:
        stdin = None

        def __init__(self, command, env, **channels):
            self.stdout, self.code = io.BytesIO(), None
            started.append((command[-1], env["DEVICE_ID"]))

        def poll(self):
            return self.code

    monkeypatch.setattr(subprocess, "Popen", Process)
    monkeypatch.setattr(atexit, "register", lambda end: None)
    monkeypatch.setattr(adapter, "choose", lambda device: "ascend")
    monkeypatch.setattr(card, "own_cards", lambda environment: [0, 1, 2])
    crews.crew_of.cache_clear()
    backend = adapter.MindSporeBackend("ascend", Execution(workers=workers))
    cards, ears = backend._hands, queue.SimpleQueue()
    hired = cards._hire(backend._workers(100, 10**15), ears)
    assert started == [("ascend", number) for number in expected]
    cards._release(hired, busy={})
    # One that has ended is made up for on its own card.
    hired[1]._process.code = 1
    cards._release(cards._hire(1, ears), busy={})
    cards._hire(len(expected), ears)
    assert started[len(expected) :] == [("ascend", "1")]
    crews.crew_of.cache_clear()
    cards._folder.rmdir()


def test_one_card_is_this_process_s_own(monkeypatch):
    began = []
    monkeypatch.setattr(local.devices, "start", began.append)
    monkeypatch.setattr(adapter, "choose", lambda device: "ascend")
    for cards, workers in (([4], None), ([0, 1], 1)):
        monkeypatch.setattr(card, "own_cards", lambda environment, cards=cards: cards)
        backend = adapter.MindSporeBackend("ascend", Execution(workers=workers))
        assert isinstance(backend._hands, local.Local)
        assert backend._workers(100, 10**15) == 1
    assert began == ["ascend"] * 2


def test_a_card_is_asked_for_in_either_way(monkeypatch):
    now = types.SimpleNamespace(hal=types.SimpleNamespace(is_available=lambda name: True))
    then = types.SimpleNamespace(get_context=lambda name: "Ascend")
    without = types.SimpleNamespace(get_context=lambda name: "CPU")
    found = []
    for mindspore in (now, then, without):
        monkeypatch.setattr(card, "ms", mindspore)
        found.append(card.has_card())
    assert found == [True, True, False]
