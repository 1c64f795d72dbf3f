"""References that imitate a target: taught its answers, then gone on with audited records."""

import numpy as np
import pytest

from mia_dual.answers import ask
from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.errors import BackendError, StoreError
from mia_dual.progress import Silent
from mia_dual.signals import confidences, log_odds
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.training.family import Member, suited
from mia_dual.training.imitate import halve, imitation_targets, in_members, out_members
from mia_dual.training.planned import dataset_family
from mia_dual.training.trainer import Trainer
from tests.numpy_backend import NumpyEngine

CONFIG = Config.model_validate(
    {
        "data": {"name": "digits"},
        "target": {
            "network": "fcnet", "hidden": 32, "epochs": 40, "batch_size": 16,
            "learning_rate": 0.1,
        },
    }
)  # fmt: skip
AUDITED, POPULATION = np.arange(0, 300), np.arange(800, 1200)


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.fixture
def trainer_in(tmp_path):
    """A trainer at work in a run's folder over a store of a name."""

    def enter(store):
        folder = RunFolder(tmp_path / f"run-{store}", CONFIG, Store(tmp_path / store))
        return folder, lambda: Trainer(NumpyEngine(), folder, Silent())

    return enter


def test_imitators_answer_as_the_target_and_then_learn_the_record(trainer_in, digits):
    family, labels = dataset_family(CONFIG.target, None, digits), digits.labels
    folder, make = trainer_in("store")
    with folder:
        trainer = make()

        def made(title, members):
            return trainer.train(title, family, {member.name: member for member in members})

        def said(models, rows):
            asked = {name: rows for name in models}
            answers = ask(trainer, folder, family, models, asked, Silent())
            return np.stack([answers.of(name, rows) for name in models])

        target = made("target", [Member.of("target", AUDITED[::2], 40, seed=0)])
        (answer,) = said(target, POPULATION)
        targets = imitation_targets(answer, labels[POPULATION], POPULATION)
        assert targets.distributions.dtype == np.float32
        assert targets.distributions.sum(1) == pytest.approx(1, abs=1e-6)
        assert (targets.distributions[np.arange(400), labels[POPULATION]] >= 0.5).all()

        outs = made("imitation", out_members("target", targets, 4, 20, seed=0))
        halves = halve(AUDITED, 4, seed=0)
        before = trainer.engine.backend.steps
        ins = made("imitation", in_members("target", targets, halves, outs, 10, seed=0))
        # 400 of the population and 150 audited in batches of 16.
        assert trainer.engine.backend.steps - before == 4 * 10 * 35

        # The target errs where it does; a model of labels alone errs elsewhere.
        plain = made("plain", [Member.of("plain", POPULATION, 20, seed=0)])
        unseen = np.arange(1300, 1700)
        of_target, of_plain = (confidences(said(models, unseen)[0]) for models in (target, plain))
        of_outs = confidences(said(outs, unseen)).mean(axis=0)
        assert np.abs(of_outs - of_target).sum() < np.abs(of_plain - of_target).sum()

        # A record's signal rises where it was added, and less where its like were.
        rise = log_odds(said(ins, AUDITED), labels[AUDITED]) - log_odds(
            said(outs, AUDITED), labels[AUDITED]
        )
        inside = np.stack([np.isin(AUDITED, half) for half in halves])
        assert rise[inside].mean() > rise[~inside].mean() + 0.1


def test_halves_come_in_complementary_pairs():
    halves = halve(AUDITED, 6, seed=0)
    counts = sum(np.isin(AUDITED, half) for half in halves)
    assert (counts == 3).all()
    for first, second in zip(halves[::2], halves[1::2]):
        assert np.array_equal(np.sort(np.concatenate([first, second])), AUDITED)
    assert len({half.tobytes() for half in halves}) == 6
    assert [half.tolist() for half in halve(AUDITED, 3, seed=0)] == [
        half.tolist() for half in halves[:3]
    ]


def test_where_a_model_goes_on_from_is_in_its_key(trainer_in, digits):
    family = dataset_family(CONFIG.target, None, digits)
    folder, make = trainer_in("store")
    with folder:
        first = make().train("first", family, {"a": Member.of("a", AUDITED, 2, seed=0)})["a"]
        further = Member.of("b", AUDITED, 1, seed=0, origin=first.entry.key)
        fresh = Member.of("b", AUDITED, 1, seed=0)
        trainer = make()
        found = trainer.train("next", family, {"further": further, "fresh": fresh})
        assert found["further"].entry.key != found["fresh"].entry.key
        one, other = (trainer.weights(found[name]) for name in ("further", "fresh"))
        start = trainer.weights(first)
        moved = [
            np.abs(weights["fc1.weight"] - start["fc1.weight"]).max() for weights in (one, other)
        ]
        assert moved[0] < moved[1]
        again = make()
        again.train("next", family, {"further": further})
        assert again.engine.backend.trained == []
    empty, make = trainer_in("empty")
    with empty, pytest.raises(StoreError, match="'b' goes on from is not in the store") as caught:
        make().train("next", family, {"b": further})
    assert "\n" not in str(caught.value)
    with pytest.raises(BackendError, match="choose a backend of networks"):
        suited(family, {"b": further}, frozenset())
