"""Loss trajectories on the line: what models know is distilled once, together, and kept."""

from functools import partial

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from mia_dual.answers import ask
from mia_dual.attacks.trajectory import TrajectoryModel
from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.interface import Targets
from mia_dual.progress import Silent
from mia_dual.signals import confidences
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.training.distil import Teacher, students, trajectories
from mia_dual.training.family import FamilyAtOnce, Member
from mia_dual.training.planned import dataset_family
from mia_dual.training.trainer import Trainer
from tests.numpy_backend import NumpyEngine

CONFIG = Config.model_validate(
    {
        "data": {"name": "digits"},
        "target": {
            "network": "fcnet", "hidden": 64, "epochs": 60, "batch_size": 16,
            "learning_rate": 0.1,
        },
    }
)  # fmt: skip
AUXILIARY = np.arange(1200, 1700)
MODELS = {
    name: Member.of(name, np.arange(first, first + 150), 60, seed=0)
    for name, first in (("target", 0), ("shadow-00", 300), ("shadow-01", 600), ("shadow-02", 900))
}
ASKED = {name: np.arange(model.rows[0], model.rows[0] + 300) for name, model in MODELS.items()}


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.fixture(scope="module")
def walk(digits, tmp_path_factory):
    """Distil ``names`` for ``epochs``; gives their trajectories and the backend, which counted."""
    place = tmp_path_factory.mktemp("trajectories")
    family = dataset_family(CONFIG.target, None, digits)

    def go(names, epochs, run="run"):
        engine = NumpyEngine()
        with RunFolder(place / run, CONFIG, Store(place / "store")) as folder:
            trainer = Trainer(engine, folder, Silent())
            trained = trainer.train("models", family, {name: MODELS[name] for name in names})
            asked = {name: ASKED[name] for name in names}
            both = {name: np.concatenate([rows, AUXILIARY]) for name, rows in asked.items()}
            answers = ask(trainer, folder, family, trained, both, Silent())
            calls, jobs = engine.train_calls, len(engine.backend.trained)
            found = trajectories(
                trainer, folder, family,
                {name: Teacher(partial(answers.of, name), rows) for name, rows in asked.items()},
                AUXILIARY, digits.labels, epochs, 0, Silent(),
            )  # fmt: skip
            engine.new_calls, engine.new_jobs = engine.train_calls - calls, jobs
        return found, answers, engine

    return go


def test_all_are_distilled_in_one_call_once(walk, digits):
    found, answers, engine = walk(MODELS, 8)
    backend = engine.backend
    assert engine.new_calls == 1
    assert len(backend.trained[engine.new_jobs :]) == len(MODELS)
    for name, rows in ASKED.items():
        assert found[name].shape == (300, 9)
        assert np.isfinite(found[name]).all()
        said = confidences(answers.of(name, rows))[np.arange(300), digits.labels[rows]]
        assert np.exp(-found[name][:, -1]) == pytest.approx(said, abs=1e-5)
        # A student gets better at what it never saw.
        assert found[name][:, 7].mean() < found[name][:, 0].mean() / 2

    again, _, engine = walk(MODELS, 8)
    assert (engine.backend.trained, engine.backend.asked) == ([], [])
    # A longer way begins as the shorter; and none depends on which others there are.
    longer, _, engine = walk(["shadow-01", "target"], 10, "longer")
    assert engine.backend.steps == 2 * 2 * 32
    for name, losses in longer.items():
        assert np.array_equal(losses[:, :8], found[name][:, :8])
        assert np.array_equal(again[name], found[name])


def test_trajectories_tell_members_better_than_losses_do(walk):
    found, _, _ = walk(MODELS, 8)
    inside = {name: np.isin(ASKED[name], MODELS[name].rows) for name in MODELS}
    shadows = [name for name in MODELS if name != "target"]
    model = TrajectoryModel([found[name] for name in shadows], [inside[name] for name in shadows])
    by_loss = roc_auc_score(inside["target"], -found["target"][:, -1])
    assert roc_auc_score(inside["target"], model.scores(found["target"])) > by_loss + 0.01


def test_targets_are_in_a_models_key(digits):
    family = dataset_family(CONFIG.target, None, digits)
    logits = np.eye(10)[digits.labels[AUXILIARY]] * 3
    (member,) = students(logits, AUXILIARY, 1, seed=0)
    (other,) = students(logits * 2, AUXILIARY, 1, seed=0)
    plain = Member.of(member.name, AUXILIARY, 1, seed=0)
    fewer = Member.of(
        member.name, AUXILIARY, 1, 0,
        Targets(AUXILIARY[1:], member.targets.distributions[1:]),
    )  # fmt: skip
    at_once = FamilyAtOnce(family.spec, family.settings, family.digest, lambda: family.records)
    for kind in (family, at_once):
        keys = [kind.keys({}, each)[0] for each in (member, other, plain, fewer)]
        assert len(set(keys)) == 4
    keys = family.keys({}, member)
    assert family.keys({}, students(logits, AUXILIARY, 3, seed=0)[2])[:2] == keys
