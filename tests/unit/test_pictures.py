"""Pictures draw what results say, whole in both languages, and are written as files."""

import csv
import re
import warnings
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex

from mia_dual.config import Config
from mia_dual.data.load import load_dataset
from mia_dual.errors import StoreError
from mia_dual.plan.plan import METHODS
from mia_dual.progress import Silent
from mia_dual.report import page
from mia_dual.report.page.phrases import Phrases
from mia_dual.report.page.picture_table import column_title
from mia_dual.report.pictures import fonts
from mia_dual.report.pictures.all import pictures_of
from mia_dual.report.pictures.picture import DARK, LIGHT
from mia_dual.report.pictures.write import write_pictures
from mia_dual.report.rows_as_csv import rows_as_csv
from mia_dual.report.strength import by_strength
from mia_dual.store.folder import RunFolder
from mia_dual.store.objects import Store
from mia_dual.walks.finished import FinishedRun
from mia_dual.walks.run import run_audit
from mia_dual.yaml_file import read_yaml_file
from tests.numpy_backend import NumpyEngine

SETTINGS = {
    "backend": "torch",
    "split": {"target_members": 120, "target_non_members": 120, "shadow_members": 120},
    "target": {"network": "fcnet", "hidden": 16, "epochs": 8, "learning_rate": 0.1},
    "targets": 4,
    "shadows": {"count": 4, "design": "in_and_out"},
    "attack": {"families": ["thresholds", "lira"]},
    "deletion": {"ratios": [0.1], "shared": True, "approximate": ["fine_tune"], "groups": 2},
}
NAMES = [
    *("strength", "roc", "scores", "agreement", "classes", "exposure"),
    *("deletion", "forgetting", "cost", "learning"),
]
WORDS = Path(page.__file__).parent / "words"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "run"
    config = Config.model_validate(SETTINGS)
    with RunFolder(path, config, Store(path.parent / "store")) as opened:
        run_audit(config, NumpyEngine(), load_dataset("digits"), opened, Silent())
    return path


@pytest.fixture
def run(folder):
    return FinishedRun(folder)


@pytest.fixture
def rows(run):
    return {picture.name: picture.rows for picture in pictures_of(run)}


@pytest.fixture(scope="module")
def words():
    return {language: read_yaml_file(WORDS / f"{language}.yaml") for language in ("en", "zh")}


def test_a_run_has_its_pictures_in_the_order_of_the_page(run):
    pictures = pictures_of(run)
    assert [picture.name for picture in pictures] == NAMES
    for picture in pictures:
        assert picture.rows
        assert len({tuple(row) for row in picture.rows}) == 1


def test_a_run_without_deletion_of_one_target_has_fewer(run):
    nothing = {"exposure": None, "together": None, "deletion": [], "compared": []}
    run.results = run.results.model_copy(update=nothing)
    assert [picture.name for picture in pictures_of(run)] == [
        "strength",
        "roc",
        "scores",
        "classes",
        "learning",
    ]
    run.results = run.results.model_copy(update={"curve": run.results.curve[:1]})
    assert pictures_of(run)[-1].name == "classes"


def test_strength_and_classes_are_those_of_the_results(run, rows):
    attacks = run.results.attacks
    assert [row["attack"] for row in rows["strength"]] == by_strength(attacks)
    for row in rows["strength"]:
        found = attacks[row["attack"]]
        assert (row["tpr"], row["auc"]) == (found.tpr_at_fpr["0.01"], found.auc)
        assert (row["tpr_low"], row["tpr_high"]) == found.tpr_interval["0.01"]
        assert (row["auc_low"], row["auc_high"]) == found.auc_interval
        found = run.results.grouped.attacks[row["attack"]]
        assert (row["groups_tpr"], row["groups_auc"]) == (found.tpr_at_fpr["0.01"], found.auc)
        assert (row["groups_auc_low"], row["groups_auc_high"]) == found.auc_interval
    told = [(one.label, one.auc) for one in attacks[by_strength(attacks)[0]].per_class]
    assert [(row["class"], row["auc"]) for row in rows["classes"]] == told


def test_curves_pass_through_the_rates_of_the_results(run, rows):
    strongest, *others = by_strength(run.results.attacks)[:5]
    for name in (strongest, *others):
        found = run.results.attacks[name]
        own = [row for row in rows["roc"] if row["attack"] == name]
        assert (np.diff([row["fpr"] for row in own]) > 0).all()
        assert (np.diff([row["tpr"] for row in own]) >= 0).all()
        assert (own[-1]["fpr"], own[-1]["tpr"]) == (1.0, 1.0)
        for rate in ("0.01", "0.1"):
            # A rate that shows nobody has no place on these axes.
            tprs = [row["tpr"] for row in own if row["fpr"] == float(rate)]
            assert tprs == [tpr for tpr in (found.tpr_at_fpr[rate],) if tpr]
        told = {row["fpr"]: (row["low"], row["high"]) for row in own if row["low"] is not None}
        assert told == (
            {float(rate): found.tpr_interval[rate] for rate in ("0.01", "0.1")}
            if name == strongest
            else {}
        )


def test_learning_is_the_curve_of_the_results(run, rows):
    assert [row["epochs"] for row in rows["learning"]] == list(range(1, 9))
    for row, point in zip(rows["learning"], run.results.curve):
        for figure in ("train_accuracy", "test_accuracy", "train_loss", "test_loss"):
            assert row[figure] == getattr(point, figure)
            assert row[f"{figure}_low"] <= row[figure] <= row[f"{figure}_high"]
        assert row["test_loss_high"] > row["test_loss"]


def test_every_judged_record_is_in_a_bin(run, rows):
    found = run.results.attacks[by_strength(run.results.attacks)[0]]
    assert sum(row["members"] for row in rows["scores"]) == found.members
    assert sum(row["non_members"] for row in rows["scores"]) == found.non_members


def test_agreement_and_exposure_are_those_of_the_results(run, rows):
    together = run.results.together
    shares = {(row["first"], row["second"]): row["jaccard"] for row in rows["agreement"]}
    for pair in together.pairs:
        assert shares[pair.first, pair.second] == shares[pair.second, pair.first] == pair.jaccard
    for row in rows["agreement"]:
        assert row["found_by_first"] == together.attacks[row["first"]].found
    for row, record in zip(rows["exposure"], run.results.exposure.records):
        assert (row["record"], row["class"]) == (record.record, record.label)
        counts = (record.found, record.inside, record.cleared, record.outside)
        assert tuple(row[name] for name in ("found", "inside", "cleared", "outside")) == counts
        if record.inside:
            assert row["found_low"] <= record.found / record.inside <= row["found_high"]


def test_deletions_are_those_of_the_results_and_approximations_none(run, rows):
    entries = {(one.request, one.method): one for one in run.results.deletion}
    kinds = {(row["request"], row["method"]): row["kind"] for row in rows["deletion"]}
    assert {name for name, kind in kinds.items() if kind == "deletion"} == set(entries)
    assert kinds["10%", "fine_tune"] == "approximate"
    entries.update({(one.request, one.method): one for one in run.results.compared})
    attack = by_strength(run.results.attacks)[0]
    for row, left in zip(rows["deletion"], rows["forgetting"]):
        entry = entries[row["request"], row["method"]]
        change = entry.attacks[attack].deleted
        assert (row["forget_set_before"], row["forget_set_after"]) == (
            change.before.auc,
            change.after.auc,
        )
        assert (
            row["forget_set_after_low"],
            row["forget_set_after_high"],
        ) == change.after.auc_interval
        assert row["retained_after"] == entry.attacks[attack].overall.after.auc
        traces = entry.forgetting.traces[attack]
        assert row["ks_p"] == traces.ks_p
        assert left["method"] == row["method"]
        assert left["less_reference"] == traces.auc_difference.value
        assert left["u_lira"] == entry.forgetting.per_record.pooled.auc.value


def test_costs_are_shares_of_full_retraining(run, rows):
    steps = {one.method: one.steps for one in (*run.results.deletion, *run.results.compared)}
    assert [row["method"] for row in rows["cost"]] == ["grouped", "fine_tune"]
    for row in rows["cost"]:
        assert (row["steps"], row["full_steps"]) == (steps[row["method"]], steps["full"])
        assert row["steps_share"] == row["steps"] / row["full_steps"]
        assert row["seconds_low"] <= row["seconds_high"]


def test_costs_of_other_deletions_are_refused(run, monkeypatch):
    monkeypatch.setattr(run, "_json", lambda name: {"deletion": []})
    with pytest.raises(StoreError, match=r"cost\.json is damaged"):
        run.costs()


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_a_theme_colours_paper_and_ink(run, words, theme):
    figure = pictures_of(run)[0].draw(theme, words["en"])
    assert to_hex(figure.get_facecolor()) == theme.paper
    (panel, _) = figure.axes
    assert {label.get_color() for label in panel.get_yticklabels()} == {theme.ink}
    assert to_hex(panel.get_facecolor()) == theme.paper


def test_nothing_is_cut_off_and_no_name_covers_another(run, words):
    for picture in pictures_of(run):
        figure = picture.draw(LIGHT, words["en"])
        around, (width, height) = figure.get_tightbbox(), figure.get_size_inches()
        assert min(around.x0, around.y0) >= 0, picture.name
        assert around.x1 <= width, picture.name
        assert around.y1 <= height, picture.name
        for panel in figure.axes:
            for labels, low, high in (
                (panel.get_yticklabels(), "y0", "y1"),
                (panel.get_xticklabels(), "x0", "x1"),
            ):
                if any(label.get_rotation() for label in labels):
                    continue
                boxes = [label.get_window_extent() for label in labels if label.get_text()]
                boxes.sort(key=lambda box, low=low: getattr(box, low))
                for one, other in zip(boxes, boxes[1:]):
                    assert getattr(one, high) <= getattr(other, low), picture.name


def test_pictures_are_written_whole_and_alike(run, words, tmp_path):
    pictures = [one for one in pictures_of(run) if one.name in ("classes", "cost")]
    files = write_pictures(pictures, tmp_path / "report", words["en"])
    assert {file.name for file in files} == {
        f"{name}.{ending}" for name in ("classes", "cost") for ending in ("csv", "png", "svg")
    }
    assert sorted(files) == sorted((tmp_path / "report").iterdir())
    for picture in pictures:
        assert (tmp_path / "report" / f"{picture.name}.png").read_bytes()[:4] == b"\x89PNG"
        svg = ElementTree.parse(tmp_path / "report" / f"{picture.name}.svg").getroot()
        assert len(list(svg.iter("{http://www.w3.org/2000/svg}path"))) > 10
    for file in write_pictures(pictures[:1], tmp_path / "again", words["en"]):
        assert file.read_bytes() == (tmp_path / "report" / file.name).read_bytes()


def test_a_csv_holds_what_is_drawn(rows):
    for drawn in rows.values():
        told = [
            {name: "" if cell is None else str(cell) for name, cell in row.items()} for row in drawn
        ]
        assert list(csv.DictReader(rows_as_csv(drawn).splitlines())) == told


def test_no_text_is_missing_in_either_language(run, words):
    def blanks(text):
        return sorted(re.findall(r"{\w+}", text))

    for texts in words.values():
        assert all(texts.values())
        assert {f"method.{name}" for name in METHODS} <= set(texts)
        for picture in pictures_of(run):
            assert {picture.title, picture.reading, picture.uncertainty} <= set(texts)
            titles = {key: column_title(key, Phrases(texts)) for key in picture.rows[0]}
            said = {key for key in titles if f"column.{key}" in texts}
            assert [key for key in titles if titles[key] == key and key not in said] == []
            assert len(set(titles.values())) == len(titles)
    assert words["en"].keys() == words["zh"].keys()
    for key, text in words["en"].items():
        assert blanks(text) == blanks(words["zh"][key]), key


def test_without_a_chinese_font_labels_are_english_and_a_line_says_so(run, words, monkeypatch):
    monkeypatch.setattr(fonts, "_family", lambda letters: None)
    assert fonts.lacking(words["en"]) is None
    assert "fonts-noto-cjk" in fonts.lacking(words["zh"])
    (roc,) = (picture for picture in pictures_of(run) if picture.name == "roc")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        figure = roc.draw(LIGHT, words["zh"])
        figure.canvas.draw()
    assert figure.axes[0].get_xlabel() == words["en"]["roc.fpr"]


def test_with_a_font_for_them_labels_are_chinese(run, words, monkeypatch):
    monkeypatch.setattr(fonts, "_family", lambda letters: fonts.LATIN)
    (classes,) = (picture for picture in pictures_of(run) if picture.name == "classes")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph")
        figure = classes.draw(DARK, words["zh"])
    assert figure.axes[0].get_xlabel() == words["zh"]["classes.label"]
