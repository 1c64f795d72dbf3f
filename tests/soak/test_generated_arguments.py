"""Words of all kinds behind every command: taken by a right meaning, or refused in a line."""

import shutil

import numpy as np
import pytest
import typer
import yaml
from hypothesis import strategies as st

from mia_dual.cli.app import app
from mia_dual.measure import checkup, forecast
from tests.command_line import called_here
from tests.pipeline.deleted_run import SETTINGS
from tests.soak.generated import COUNTS, contents, outcome, try_examples
from tests.soak.mutations import WORDS

VALID = {
    "run": ["--dry-run", "-c", "small.yaml", "--seed", "3", "--set", "target.epochs=2", "--out",
            "new", "--store", "other", "--memory", "1GB", "--workers", "1", "--no-page"],
    # What would train, or measure, is told at the end that it cannot.
    "delete": ["--memory=0", "run", "--records", "5,17", "--store", "other", "--no-page"],
    "study": ["--memory=0", "study.yaml", "--set", "study.seeds=[0]", "--out", "new"],
    "bench": ["--memory=0", "--attacks", "--family", "loss", "--records", "20", "--rounds", "1"],
    "log": ["run", "--json"],
    "verify": ["run", "--quiet"],
    "attack": ["--outputs", "said.npz", "-c", "small.yaml", "--set", "attack.families=[thresholds]",
               "--out", "new", "--store", "other", "--no-page", "--seed", "1"],
    "compare": ["run", "run", "--no-page", "--lang", "zh"],
    "report": ["begun", "--lang", "en", "--out", "page.html", "--no-records"],
    "datasets": ["--data-dir", "begun"],
    "doctor": ["--json"],
    "store list": ["--store", "store", "--json"],
    "store verify": ["--store", "store", "--quiet"],
    "store prune": ["--store", "store"],
    "keys make": ["pair.pem", "--json"],
    "xihe init": ["job", "-c", "small.yaml", "--backend", "torch"],
}  # fmt: skip
"""Words behind each command that it takes, or nearly; the first stays where it is."""

PLACES = ["run", "begun", "store", "small.yaml", "said.npz", "study.yaml", "run/plan.json", "new"]


def _commands():
    """Every command's words, with those of its options that take a value."""

    def below(command, words):
        inner = getattr(command, "commands", None)
        if inner is None:
            taking = (one for one in command.params if not getattr(one, "is_flag", True))
            yield " ".join(words), sorted(word for one in taking for word in one.opts)
        for name, one in (inner or {}).items():
            yield from below(one, [*words, name])

    return dict(below(typer.main.get_command(app), []))


@st.composite
def _lines(draw):
    """A command's words, a few of them others, gone, doubled, or at another place."""
    name = draw(st.sampled_from(sorted(VALID)))
    first, *words = VALID[name]
    # A cluster takes seconds to start, and nothing of it is about words.
    odd = st.sampled_from([*WORDS, *PLACES, "\udcff", "x\udc80y"])
    odd |= st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, len(words)))
        kinds = ["value"] * 3 + ["pair"] * 3 + ["put", "gone", "twice", "glue"]
        kind = draw(st.sampled_from(kinds))
        values = [place for place, word in enumerate(words) if not word.startswith("-")]
        if kind == "value" and values:
            words[draw(st.sampled_from(values))] = draw(odd)
        elif kind == "pair":
            words += [draw(st.sampled_from(_COMMANDS[name] or ["--quiet"])), draw(odd)]
        elif kind == "put" or at == len(words):
            words.insert(at, draw(odd))
        elif kind == "gone":
            del words[at]
        elif kind == "twice":
            words.insert(at, words[at])
        else:
            words[at] = f"{words[at]}={draw(odd)}"
    return [*name.split(), first, *words]


_COMMANDS = _commands()


def test_every_command_has_words_to_begin_with():
    assert _COMMANDS.keys() == VALID.keys()


def _fill(place, deleted_run):
    shutil.copytree(deleted_run, place / "run")
    shutil.copytree(deleted_run.with_name("store-run"), place / "store")
    (place / "begun").mkdir()
    shutil.copy(deleted_run / "config.yaml", place / "begun")
    small = yaml.safe_dump(SETTINGS)
    (place / "small.yaml").write_text(small)
    study = {"title": "t", "vary": "target.epochs", "values": [1, 2], "seeds": [0]}
    (place / "study.yaml").write_text(f"{small}study: {study}\n")
    rng = np.random.default_rng(0)
    np.savez(
        place / "said.npz",
        target_logits=rng.normal(size=(40, 3)),
        labels=np.arange(40) % 3,
        membership=np.arange(40) % 2 == 0,
    )


@pytest.mark.parametrize("count", COUNTS)
def test_words_are_taken_as_they_say_or_refused(count, deleted_run, tmp_path, figures, monkeypatch):
    monkeypatch.setattr(forecast, "LONGEST", 0.0)
    monkeypatch.setattr(forecast, "WARM_STEPS", 1)
    # Which starts every framework, whatever words there are.
    works = checkup.Finding("cpu", "1", True)
    monkeypatch.setattr(checkup, "examine", lambda name: [works])
    outer = tmp_path / "outer"
    place = outer / "inner"
    place.mkdir(parents=True)
    _fill(place, deleted_run)
    whole = contents(tmp_path)

    def holds(words):
        done = called_here(words, place, {"MIA_DUAL_STORE": str(place / "shared")})
        there = contents(tmp_path)
        if there != whole:
            shutil.rmtree(outer)
            place.mkdir(parents=True)
            _fill(place, deleted_run)
        became = outcome(done, also=(1,) if words[:2] == ["store", "verify"] else ())
        if became == "refused":
            # A run folder that was opened before what it is for was refused holds its config,
            # beside a store that holds nothing: the mended command goes on there.
            new = {name: held for name, held in there.items() if name not in whole}
            assert all(held is None or name.endswith("/config.yaml") for name, held in new.items())
            assert whole.items() <= there.items()
        return became

    # No file has as long a name.
    known = [["log", "x" * 300], ["compare", "run", "x/" * 2500]]
    try_examples(holds, _lines(), count, figures, known)
