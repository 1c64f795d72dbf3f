"""Which card a process takes, on MindSpore as it is and as it was: with stand-ins for a card."""

import types

import pytest

from mia_dual.errors import BackendError
from mia_dual_mindspore import card


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


def test_a_card_is_asked_for_in_either_way(monkeypatch):
    now = types.SimpleNamespace(hal=types.SimpleNamespace(is_available=lambda name: True))
    then = types.SimpleNamespace(get_context=lambda name: "Ascend")
    without = types.SimpleNamespace(get_context=lambda name: "CPU")
    found = []
    for mindspore in (now, then, without):
        monkeypatch.setattr(card, "ms", mindspore)
        found.append(card.has_card())
    assert found == [True, True, False]
