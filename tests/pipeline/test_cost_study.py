"""What a study says deletion costs is what it takes when requests are really served."""

import csv
import io
import json
import re

import pytest
from rich.console import Console

from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.errors import ConfigError
from mia_dual.progress import Silent
from mia_dual.report.cost_table import print_cost
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.study_settings import load_study
from mia_dual.walks.cost_study import run_cost_study
from mia_dual.walks.run import run_audit
from mia_dual.yaml_file import write_yaml
from tests.numpy_backend import NumpyBackend, NumpyEngine
from tests.pipeline.test_bad_input import assert_refused
from tests.pipeline.test_report_page import LATIN_WORDS, Page

BASE = {
    "split": {"target_members": 120, "target_non_members": 120, "shadow_members": 60},
    "target": {"network": "fcnet", "hidden": 8, "epochs": 3, "batch_size": 8,
               "learning_rate": 0.05},
    "shadows": {"count": 1},
}  # fmt: skip
STUDY = {
    "kind": "cost", "groups": [1, 3], "slices": [1, 2], "shares": [0.05], "single": [1, 2, 6],
    "orders": 1, "timed": 6, "seeds": [0, 1],
}  # fmt: skip


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.fixture(scope="module")
def run(tmp_path_factory, digits):
    """Run a study of costs into a folder; gives what it found, and the backend, which counted."""
    tmp_path = tmp_path_factory.mktemp("cost")

    def call(out, store="store", backend=None, base=BASE, **changes):
        file = tmp_path / "own.yaml"
        file.write_text(write_yaml({**base, "study": {**STUDY, **changes}}))
        engine = NumpyEngine(backend or NumpyBackend())
        found = run_cost_study(
            load_study(str(file)), lambda config: engine, lambda config: digits,
            tmp_path / out, Store(tmp_path / store), Silent(),
        )  # fmt: skip
        return found, engine.backend

    call.path = tmp_path
    return call


@pytest.fixture(scope="module")
def served(run):
    """A study of which every request was served, one by one."""
    return run("served")


def whole(requests):
    """Those that hold all others of their series: the most single ones, and each share."""
    return [one for one in requests if one.request in ("6 single", "5%")]


def test_counted_steps_are_those_that_training_takes(served):
    found, backend = served
    seeds = len(found.seeds)
    counted = found.single_steps + sum(one.steps for one in found.trainings)
    counted += sum(one.steps.mean for one in whole(found.requests))
    # Full retraining is the same whatever the groups, and takes place once.
    counted += sum(one.full_steps for one in whole(found.requests)[:2])
    assert backend.steps == pytest.approx(seeds * counted)
    assert {one.request for one in whole(found.requests)[:2]} == {"6 single", "5%"}


def test_seconds_are_those_of_the_steps_that_a_request_took(served):
    found, _ = served
    for one in found.requests:
        # This backend says a millisecond a step, those before a kept state included.
        assert one.seconds.mean == pytest.approx(1e-3 * one.steps.mean)
        assert one.full_seconds.mean == pytest.approx(1e-3 * one.full_steps)
        assert one.seconds_share.mean == pytest.approx(one.steps_share.mean)
    for one in found.trainings:
        assert one.seconds.mean == pytest.approx(1e-3 * one.steps)


def test_one_group_without_slices_is_full_retraining_and_slices_take_less(served):
    found, _ = served
    assert found.trainings[0].steps_share == 1
    for one in found.requests:
        if (one.groups, one.slices) == (1, 1):
            shares = one.steps_share.mean, one.records_share.mean, one.expected_share
            assert shares == pytest.approx((1, 1, 1))
    by = {(one.groups, one.slices): one for one in found.trainings}
    assert by[3, 2].bytes.mean > 2 * by[3, 1].bytes.mean > 4 * by[1, 1].bytes.mean
    most = {(one.groups, one.slices): one for one in found.requests if one.requests == 6}
    assert most[3, 2].records.mean < most[3, 1].records.mean < most[1, 1].records.mean


def test_counts_of_many_orders_are_near_what_is_expected(run):
    found, backend = run("counted", orders=8, timed=0)
    for one in found.requests:
        assert one.records_share.draws == 16
        low = one.records_share.low - 0.02
        assert low <= one.expected_share <= one.records_share.high + 0.02
        if one.published_share is not None:
            assert one.published_share == pytest.approx(one.expected_share, rel=0.05)
        if one.share is None:
            assert (one.seconds, one.seconds_share) == (None, None)
    # The first orders are those of the study that served them all.
    assert backend.trained == []


def test_accuracies_are_those_of_an_audit(served, run, digits):
    found, _ = served
    (training,) = [one for one in found.trainings if (one.groups, one.slices) == (3, 2)]
    of_groups, of_one = [], []
    for seed in found.seeds:
        settings = {
            **BASE, "backend": "torch", "seed": seed, "attack": {"families": ["thresholds"]},
            "deletion": {"ratios": [0.01], "groups": 3, "slices": 2, "methods": ["grouped"],
                         "fitted_on": "single"},
        }  # fmt: skip
        config = Config.model_validate(settings)
        with RunFolder(run.path / f"audit-{seed}", config, Store(run.path / "store")) as folder:
            results = run_audit(config, NumpyEngine(), digits, folder, Silent())
        cost = json.loads((run.path / f"audit-{seed}" / "cost.json").read_text())
        (deletion,) = cost["deletion"]
        assert deletion["steps"] == results.deletion[0].steps
        assert deletion["seconds"] == pytest.approx(1e-3 * deletion["steps"])
        of_groups.append(results.grouped.test_accuracy)
        of_one.append(results.target.test_accuracy)
    assert training.accuracy.mean == pytest.approx(sum(of_groups) / 2)
    assert found.single_accuracy.mean == pytest.approx(sum(of_one) / 2)


def test_a_finished_study_trains_nothing_and_says_the_same(served, run):
    found, _ = served
    folder = run.path / "served"
    first = {file.name: file.read_bytes() for file in folder.glob("study.*")}
    assert sorted(first) == ["study.csv", "study.json", "study.png", "study.svg"]
    again, backend = run("served")
    assert (backend.trained, backend.asked) == ([], [])
    assert again == found
    assert first == {file.name: file.read_bytes() for file in folder.glob("study.*")}
    said = json.loads(first["study.json"])
    assert said == found.model_dump(mode="json")
    rows = list(csv.DictReader(io.StringIO(first["study.csv"].decode())))
    assert len(rows) == len(said["requests"])
    for row, one in zip(rows, said["requests"]):
        assert float(row["steps_share.high"]) == one["steps_share"]["high"]
        assert row["request"] == one["request"]
        published = one["published_share"]
        assert row["published_share"] == ("" if published is None else repr(published))


def test_the_tables_fit_a_terminal_and_end_in_what_was_found(served):
    stream = io.StringIO()
    print_cost(served[0], Console(file=stream, width=80))
    lines = stream.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    said = " ".join(stream.getvalue().split())
    assert " ".join(served[0].finding.split()) in said
    assert said.endswith("MB.")
    assert "One record out of 3 groups of 2 slices costs 0." in said
    assert " 2 single" not in said
    assert said.count("6 single") == 4


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"single": [1, 120]}, "120 of 120 members would be deleted: lower study.single"),
        ({"groups": [2, 61]}, "study value deletion.groups=61, .*61 groups of 120 members"),
        ({"slices": [1, 40], "groups": [2]}, "study value deletion.groups=2, deletion.slices=40"),
    ],
)
def test_what_the_members_cannot_give_is_named_before_anything_trains(run, changes, message):
    backend = NumpyBackend()
    with pytest.raises(ConfigError, match=message) as raised:
        run("bad", backend=backend, **changes)
    assert "\n" not in str(raised.value)
    assert backend.trained == []
    assert not (run.path / "bad").exists()


def test_models_that_are_fitted_at_once_have_no_steps_to_count(run):
    backend = NumpyBackend()
    backend.capabilities = frozenset()
    with pytest.raises(ConfigError, match=r"study.kind: cost counts steps, and backend 'numpy'"):
        run("bad", backend=backend)


def test_the_command_prints_the_tables_and_what_was_found(cli, tmp_path):
    settings = {**STUDY, "groups": [2], "slices": [2], "single": [1, 2], "timed": 1}
    (tmp_path / "own.yaml").write_text(write_yaml({**BASE, "study": settings}))
    done = cli("study", "own.yaml", "--store", "store", "--page", "--lang", "zh")
    assert done.returncode == 0, done.stderr
    page = Page((tmp_path / "runs" / "own-torch" / "report.html").read_text(encoding="utf-8"))
    assert page.tags.count("svg") == 2
    assert [text for text in page.readable if re.search(LATIN_WORDS, text)] == []
    assert "runs/own-torch/report.html shows it" in " ".join(done.stdout.split())
    folder = tmp_path / "runs" / "own-torch"
    found = json.loads((folder / "study.json").read_text())
    said = " ".join(done.stdout.split())
    assert " ".join(found["finding"].split()) in said
    assert "runs/own-torch holds study.csv, study.json, study.png and study.svg" in said
    assert_refused(cli("study", "own.yaml", "--set", "study.kind=price"), "study.kind", "'cost'")
