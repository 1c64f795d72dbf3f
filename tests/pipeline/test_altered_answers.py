"""Models asked about altered records: few calls, each answer kept, and what others would say."""

import numpy as np
import pytest

from mia_dual.attacks.label_only import rightly_called, share_kept
from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.progress import Silent
from mia_dual.queries import asking
from mia_dual.queries.choice import choose_alterations, noises
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.training.family import Member
from mia_dual.training.planned import dataset_family
from mia_dual.training.trainer import Trainer
from tests.numpy_backend import NumpyBackend, NumpyEngine

SETTINGS = {
    "backend": "torch",
    "target": {"network": "fcnet", "hidden": 32, "epochs": 20, "learning_rate": 0.05},
}
ROWS = np.array([40, 3, 200, 151])


class CallsCounted(NumpyBackend):
    """``calls``: the models and rows of every question."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def logits(self, spec, models, records, rows):
        self.calls.append(rows.shape)
        return super().logits(spec, models, records, rows)


@pytest.fixture
def asked(tmp_path):
    """Ask two models about altered digits; gives the answers, the backend and what was trained."""
    digits = load_dataset("digits")
    config = Config.model_validate(SETTINGS)
    family = dataset_family(config.target, None, digits)
    members = {name: Member.of(name, np.arange(150), epochs=20, seed=0) for name in ("a", "b")}

    def ask(alterations, rows=ROWS, names=("a", "b"), out="run"):
        backend = CallsCounted()
        with RunFolder(tmp_path / out, config, Store(tmp_path / "store")) as folder:
            trainer = Trainer(NumpyEngine(backend), folder, Silent())
            models = trainer.train("models", family, {name: members[name] for name in names})
            answers = asking.ask_altered(
                trainer, folder, family, models, alterations, rows, Silent()
            )
            weights = [trainer.weights(models[name]) for name in names]
        return answers, backend, family, weights

    return ask


def eight(**settings):
    kinds = ("shift", "mirror", "noise")
    return choose_alterations(kinds, (1, 8, 8), 0, draws=3, **settings)


def test_all_alterations_of_all_models_take_one_call(asked, tmp_path):
    alterations = eight()
    answers, backend, family, weights = asked(alterations)
    assert backend.calls == [(2, 8 * 4)]
    logits = answers.logits(["a", "b"])
    assert (logits.shape, logits.dtype) == ((8, 2, 4, 10), np.float32)
    for place, alteration in enumerate(alterations):
        altered = alteration.apply(family.records, ROWS)
        expected = backend.logits(family.spec, weights, altered, np.tile(np.arange(4), (2, 1)))
        np.testing.assert_allclose(logits[place], expected, rtol=1e-5, atol=1e-5)
        np.testing.assert_array_equal(answers.of("b", place), logits[place, 1])
    np.testing.assert_array_equal(answers.logits(["b"], slice(1, 3)), logits[:, 1:, 1:3])
    # The run folder refers to the answers, and links none of them.
    assert answers.key("a", 0) in Store(tmp_path / "store").referred()
    assert not list((tmp_path / "run" / "answers").glob("*"))


def test_what_is_stored_is_not_asked_again(asked):
    alterations = eight()
    first = asked(alterations[:5])[0]
    answers, backend, *_ = asked(alterations, out="other")
    assert backend.calls == [(2, 3 * 4)]
    np.testing.assert_array_equal(answers.logits(["a", "b"])[:5], first.logits(["a", "b"]))
    assert asked(alterations)[1].calls == []
    # Another order of the rows, other rows, other noise: other answers.
    assert asked(alterations, rows=ROWS[::-1].copy())[1].calls == [(2, 8 * 4)]
    assert asked(noises(seed=1, draws=1, levels=(0.1,)))[1].calls == [(2, 4)]


def test_a_model_that_knows_some_answers_is_asked_for_the_rest(asked):
    alterations = eight()
    asked(alterations[2:4], names=("a",))
    answers, backend, *_ = asked(alterations)
    assert backend.calls == [(2, 8 * 4)]
    assert backend.asked == [8 * 4, 6 * 4]
    alone, *_ = asked(alterations, names=("a",))
    np.testing.assert_array_equal(answers.logits(["a"]), alone.logits(["a"]))


def test_damaged_answers_are_asked_again(asked, tmp_path):
    alterations = eight()
    first = asked(alterations)[0].logits(["a", "b"])
    for file in (tmp_path / "store").glob("objects/*/*.npy"):
        content = bytearray(file.read_bytes())
        content[-1] ^= 1
        file.write_bytes(content)
    answers, backend, *_ = asked(alterations)
    assert len(backend.calls) == 1
    np.testing.assert_array_equal(answers.logits(["a", "b"]), first)


def test_memory_bounds_calls_and_changes_nothing(asked, monkeypatch):
    alterations = eight()
    first, _, family, _ = asked(alterations)
    whole = first.logits(["a", "b"])
    monkeypatch.setattr(asking, "BYTES_A_CALL", 3 * family.records.features[ROWS].nbytes)
    backward = ROWS[[1, 0, 2, 3]]
    pieces, backend, *_ = asked(alterations, rows=backward)
    assert backend.calls == [(2, 3 * 4), (2, 3 * 4), (2, 2 * 4)]
    np.testing.assert_allclose(
        pieces.logits(["a", "b"])[:, :, [1, 0, 2, 3]], whole, rtol=1e-5, atol=1e-5
    )


def test_members_keep_their_label_further_from_home(asked):
    """Of a model that learnt its members by heart; the gap attack is what there is without."""
    from mia_dual import metrics

    levels = (0.2, 0.4, 0.8, 1.6)
    rows = np.arange(300)
    member = rows < 150
    answers, backend, family, weights = asked(noises(0, 5, levels), rows=rows)
    labels = family.records.labels[rows]
    plain = backend.logits(family.spec, weights[:1], family.records, rows[None])
    unaltered = rightly_called(plain, labels)
    noisy = rightly_called(answers.logits(["a"]), labels)[:, 0].reshape(5, 4, -1)
    right = np.concatenate([np.broadcast_to(unaltered, (5, 1, 300)), noisy], axis=1)
    gap = metrics.auc(member, unaltered[0].astype(float))
    assert metrics.auc(member, share_kept(right.reshape(25, -1))) > gap
