"""A study trains in few calls what its runs have in common, and ends in the same as each alone."""

import csv
import json
import re

import pytest
from typer.testing import CliRunner

from mia_dual.cli.app import app
from mia_dual.data.load import load_dataset
from mia_dual.errors import DataError, StoreError
from mia_dual.progress import Silent
from mia_dual.report.page.phrases import LANGUAGES, read_words
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.study_settings import load_study
from mia_dual.walks.run import run_audit
from mia_dual.walks.study import run_study
from mia_dual.walks.study_report import is_study, report_study
from mia_dual.yaml_file import write_yaml
from tests.numpy_backend import Interrupted, NumpyBackend, NumpyEngine
from tests.pipeline.test_bad_input import assert_refused
from tests.pipeline.test_report_page import LATIN_WORDS, Page

BASE = {
    "split": {"target_members": 120, "target_non_members": 120, "shadow_members": 120},
    "target": {"network": "fcnet", "hidden": 16, "epochs": 6, "learning_rate": 0.05},
    "shadows": {"count": 2},
    "attack": {"families": ["shadow"], "models": ["logistic_regression"]},
    "deletion": {"ratios": []},
}
HOSTILE = "<script>alert(1)<|script>"
EPOCHS = {"key": "target.epochs", "values": [2, 5, 8], "seeds": [0, 1], "x": "gap"}


class Counting(NumpyBackend):
    """Counts calls, and what was trained in each."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def train(self, spec, optimizer, jobs, records, report):
        self.calls.append([job.name for job in jobs])
        return super().train(spec, optimizer, jobs, records, report)


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.fixture
def run(tmp_path, digits):
    """Run a study into a folder; gives what it found, and the backend, which counted."""

    def call(study, out="out", backend=None, store="store", **changes):
        file = tmp_path / "own.yaml"
        file.write_text(write_yaml({**BASE, **changes, "study": study}))
        engine = NumpyEngine(backend or Counting())
        outcome = run_study(
            load_study(str(file)), lambda config: engine, lambda config: digits,
            tmp_path / out, Store(tmp_path / store), Silent(),
        )  # fmt: skip
        return outcome, engine.backend

    return call


def test_epochs_train_the_longest_alone_and_all_in_one_call(run, tmp_path, digits):
    outcome, backend = run(EPOCHS)
    assert (outcome.calls_together, outcome.calls_of_runs) == (1, 0)
    assert [sorted(call) for call in backend.calls] == [
        sorted(
            f"8-seed{seed}/{name}"
            for seed in (0, 1)
            for name in ("target", "shadow-00", "shadow-01")
        )
    ]
    assert backend.steps == 6 * 8 * 8  # models, epochs, steps an epoch

    # Each run is what it would be alone, in a store of its own.
    study = load_study(str(tmp_path / "own.yaml"))
    alone = study.runs[3]
    with RunFolder(tmp_path / "alone", alone.config, Store(tmp_path / "other")) as folder:
        run_audit(alone.config, NumpyEngine(), digits, folder, Silent())
    there = tmp_path / "out" / alone.folder / "results.json"
    assert there.read_bytes() == (tmp_path / "alone" / "results.json").read_bytes()
    assert alone.folder == "5-seed1"


def test_figures_are_those_of_the_runs_and_the_csv_equals_the_json(run, tmp_path):
    outcome, _ = run(EPOCHS)
    found = json.loads((tmp_path / "out" / "study.json").read_text())
    assert found == outcome.results.model_dump(mode="json")
    for point in found["points"]:
        runs = [
            json.loads(
                (tmp_path / "out" / f"{point['value']}-seed{seed}" / "results.json").read_text()
            )
            for seed in (0, 1)
        ]
        aucs = [one["attacks"]["shadow_logistic_regression"]["auc"] for one in runs]
        assert point["figures"]["auc.shadow_logistic_regression"]["seeds"] == aucs
        gaps = [one["target"]["train_accuracy"] - one["target"]["test_accuracy"] for one in runs]
        assert point["figures"]["gap"]["mean"] == pytest.approx(sum(gaps) / 2)
    with (tmp_path / "out" / "study.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    for row, point in zip(rows, found["points"]):
        for name, figure in point["figures"].items():
            for column, value in ((name, "mean"), (f"{name}.low", "low"), (f"{name}.high", "high")):
                assert (float(row[column]) if row[column] else None) == figure[value]
    assert len(rows) == len(found["points"]) == 3
    assert found["finding"].startswith("AUC of shadow_logistic_regression ")
    for name in ("study.png", "study.svg"):
        assert (tmp_path / "out" / name).stat().st_size > 1000


def test_a_finished_study_trains_nothing_and_says_the_same(run, tmp_path):
    run(EPOCHS)
    first = {file.name: file.read_bytes() for file in (tmp_path / "out").glob("study.*")}
    again, backend = run(EPOCHS)
    assert (again.calls_together, backend.trained, backend.asked) == (0, [], [])
    assert first == {file.name: file.read_bytes() for file in (tmp_path / "out").glob("study.*")}
    with pytest.raises(StoreError, match=r"study.values is .* there.*--out"):
        run({**EPOCHS, "values": [2, 5]})
    # Another study over the same store takes what is there.
    _, other = run({**EPOCHS, "values": [2, 5]}, out="other")
    assert other.trained == []


def test_an_interrupted_study_goes_on(run, tmp_path):
    broken, resumed = Counting(), Counting()
    broken.stop_after = 3 * 64  # three of six models
    with pytest.raises(Interrupted):
        run(EPOCHS, backend=broken)
    outcome, _ = run(EPOCHS, backend=resumed)
    assert resumed.steps == 3 * 64
    whole, _ = run(EPOCHS, out="whole", store="another")
    assert outcome.results == whole.results


def test_what_has_other_networks_or_labels_takes_calls_of_its_own(run):
    _, backend = run({"key": "shadows.count", "values": [1, 3], "seeds": [0, 1]})
    (call,) = backend.calls
    # The same target whatever the shadows, and the first shadow too.
    assert len(call) == 2 * (1 + 3)
    _, backend = run({"key": "data.merge_classes", "values": [2, 5], "seeds": [0, 1]}, out="b")
    assert [len(call) for call in backend.calls] == [6, 6]
    _, backend = run({"key": "target.hidden", "values": [4, 16], "seeds": [0, 1]}, out="c")
    assert [len(call) for call in backend.calls] == [6]  # those of 16 are there


def test_deletions_are_drawn_by_the_share_deleted(run):
    study = {
        "values": [
            {"deletion.choice": "outliers"},
            {"deletion.choice": "mislabelled", "deletion.ratios": [0.1]},
        ],
        "names": ["outliers", "mislabelled"],
        "seeds": [0, 1],
        "x": "deleted",
        "y": ["test_accuracy", "auc", "auc_deleted"],
    }
    outcome, backend = run(
        study, data={"mislabelled": 0.1}, deletion={"ratios": [0.1, 0.4], "methods": ["full"]}
    )
    points = outcome.results.points
    assert [(point.value, round(point.deleted, 2)) for point in points] == [
        ("outliers", 0.0), ("outliers", 0.1), ("outliers", 0.4),
        ("mislabelled", 0.0), ("mislabelled", 0.1),
    ]  # fmt: skip
    # Nothing is deleted yet, so what would be makes no difference.
    assert points[0].figures == points[3].figures
    assert "auc_deleted.shadow_logistic_regression" not in points[0].figures
    found = points[1].figures
    after, before, change = (
        found[f"auc_deleted{part}.shadow_logistic_regression"].mean
        for part in ("", "_before", "_change")
    )
    assert change == pytest.approx(after - before)
    # Labels are wrong by seed, so a seed is a call: a target, two shadows, three retrained.
    assert [len(call) for call in backend.calls] == [6, 6]
    assert "of outliers" in outcome.results.finding


def test_a_study_has_a_page_in_each_language(run, tmp_path):
    study = {"key": "target.epochs", "values": [2, 4], "seeds": [0, 1], "x": "deleted"}
    run(study, deletion={"ratios": [0.1], "methods": ["full"]})
    run({**EPOCHS, "values": [2, 5]}, out=HOSTILE)
    assert not is_study(tmp_path / "out" / "2-seed0")
    for path in (tmp_path / "out", tmp_path / HOSTILE):
        assert is_study(path)
        found = json.loads((path / "study.json").read_text())
        for language in LANGUAGES:
            page, words = Page(report_study(path, language)), read_words(language)
            assert {words["study.finding"], found["finding"], "2-seed0"} <= set(page.texts)
            assert page.tags.count("svg") == len(found["y"])
            assert "script" not in page.tags
            if language == "zh":
                assert [text for text in page.readable if re.search(LATIN_WORDS, text)] == []
        done = CliRunner().invoke(app, ["report", str(path), "--pictures"])
        assert done.exit_code == 0, done.output
        for drawn in found["y"]:
            with (path / "report" / f"study-{drawn}.csv").open(newline="") as stream:
                rows = list(csv.DictReader(stream))
            # What is drawn across stands beside what is drawn upwards.
            across = [(row["figure"], row["series"], row["value"], row[found["x"]]) for row in rows]
            assert len(set(across)) == len(rows) > 1
    (path / "study.json").unlink()
    with pytest.raises(StoreError, match="not finished"):
        report_study(path, "en")


def test_a_value_the_records_cannot_give_is_named_before_anything_trains(run, tmp_path):
    backend = Counting()
    with pytest.raises(DataError, match=r"study value split.target_members=1700: .*1797 records"):
        run({"key": "split.target_members", "values": [50, 1700]}, backend=backend)
    assert backend.calls == []
    assert not (tmp_path / "out").exists()


def test_the_command_prints_a_table_and_what_was_found(cli, tmp_path):
    (tmp_path / "own.yaml").write_text(write_yaml({**BASE, "study": EPOCHS}))
    command = ["study", "own.yaml", "--set", "study.values=[2, 4]", "--store", "store"]
    done = cli(*command, columns=60)
    assert done.returncode == 0, done.stderr
    assert "…" not in done.stdout
    said = " ".join(done.stdout.split())
    assert "target.epochs on digits (torch), 2 seeds each" in said
    assert "shadow_logistic_regression" in said
    assert "4 runs; calls to train: 1 for the models of all" in said
    folder = tmp_path / "runs" / "own-torch"
    found = json.loads((folder / "study.json").read_text())
    assert " ".join(found["finding"].split()) in said
    assert (folder / "4-seed1" / "results.json").is_file()


def test_a_bad_study_is_one_line(cli, tmp_path):
    assert_refused(cli("study", "overfiting"), "'overfiting'", "overfitting", "mine.yaml")
    assert_refused(
        cli("study", "overfitting", "--set", "study.values=[3, zero]"), "target.epochs='zero'"
    )
    assert_refused(cli("study", "overfitting", "--set", "study.seeds=[1]"), "study.seeds")
    assert list(tmp_path.iterdir()) == []
