"""The report page: what it says, what it leaves out, and that nothing in it runs."""

import io
import re
import shutil
import string
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from rich.console import Console

from mia_dual.cli.paging import Paging
from mia_dual.cli.telling import Telling
from mia_dual.data.load import load_dataset
from mia_dual.deletion.certificate import LIMIT_OF_SCALING, LIMITS, STATEMENT, read_certificate
from mia_dual.progress import Silent
from mia_dual.report.page.exposed import MOST_RECORDS
from mia_dual.report.page.groups import groups_table
from mia_dual.report.page.page import Told, make_page
from mia_dual.report.page.phrases import LANGUAGES, Phrases, read_words
from mia_dual.report.page.verdict import verdict_on
from mia_dual.report.pictures.picture import DARK, LIGHT, Picture
from mia_dual.walks.current import made_from
from mia_dual.walks.finished import FinishedRun
from mia_dual.walks.report import opened, page_of, report
from tests.pipeline.test_bad_input import assert_refused

HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>"


TITLES = re.compile(
    "Membership Inference Attacks From First Principles|Adaptive Machine Unlearning"
    "|Privacy Risk in Machine Learning"
    "|Inexact Unlearning Needs More Careful Evaluations|Machine Unlearning"
    "|When Machine Unlearning Jeopardizes Privacy|`[^`]*`"
)
"""Of papers, and what is typed."""

PROPER = {"AUC", "NegGrad+", "SCRUB", "SalUn", "p（KS）"}

LATIN_WORDS = r"[A-Za-z]{2,}(?:[ ,.;:]+[A-Za-z]{2,}){2,}"
"""Three of them on end are a sentence."""


class Page(HTMLParser):
    """The elements and the visible text of a page.

    ``readable`` is that in the page's own language, without settings, environment and footer, and
    ``cells`` what of it stands in tables.
    """

    def __init__(self, content):
        super().__init__()
        self.tags, self.attributes, self.texts = [], [], []
        self.readable, self.cells = [], []
        self._hidden, self._around = 0, []
        self.feed(content)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.attributes += attrs
        self._hidden += tag == "style"
        if tag not in ("meta", "link", "img"):
            self._around.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        self._hidden -= tag == "style"
        while self._around.pop()[0] != tag:
            pass

    def handle_data(self, data):
        if not self._hidden:
            self.texts.append(data)
            self._read(data)

    def _read(self, data):
        for tag, attributes in self._around:
            settings = attributes.get("id", "").endswith(("-settings", "-environment"))
            if tag == "footer" or settings or attributes.get("lang") == "en":
                return
        self.readable.append(data)
        if self._around and self._around[-1][0] in ("td", "th"):
            self.cells.append(data)

    @property
    def text(self):
        return "\n".join(self.texts)


@pytest.fixture(scope="module")
def digits():
    return load_dataset("digits")


@pytest.fixture(scope="module")
def run(deleted_run):
    return FinishedRun(deleted_run)


@pytest.fixture
def without_pictures(monkeypatch):
    """Pages of runs with nothing drawn, which takes most of their time."""
    monkeypatch.setattr("mia_dual.walks.report.pictures_of", lambda _: [])


def test_both_languages_have_the_same_keys_with_the_same_places():
    def places(text):
        return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}

    english, *others = (read_words(language) for language in LANGUAGES)
    for other in others:
        assert english.keys() == other.keys()
        assert {key: places(text) for key, text in english.items()} == {
            key: places(text) for key, text in other.items()
        }


def test_the_words_of_the_certificate_are_its_own():
    words = read_words("en")
    limits = (*LIMITS, LIMIT_OF_SCALING)
    assert words["certificate.statement"] == STATEMENT
    assert [words[f"certificate.limit{place}"] for place in range(len(limits))] == list(limits)
    assert f"certificate.limit{len(limits)}" not in words


def test_a_page_says_what_the_run_found_and_asks_nobody(run, digits):
    content = report([run], "en", Silent(), dataset=digits)
    page = Page(content)
    words = read_words("en")
    name = "shadow_logistic_regression"
    found = run.results.attacks[name]
    assert words[f"verdict.{verdict_on(run.results, Phrases(words)).grade}"] in page.text
    assert f"{found.auc:.3f}" in page.texts
    assert read_certificate(run.path).digest in page.text
    assert page.tags.count("img") == min(MOST_RECORDS, len(run.target.members))
    assert "script" not in page.tags
    # What a page could fetch, it fetches from nowhere.
    fetched = [value for name, value in page.attributes if name in ("src", "href", "srcset")]
    assert [value for value in fetched if not value.startswith(("data:", "#"))] == []
    assert not re.search(r"url\((?!#)", content)
    assert "@import" not in content


def test_records_that_are_withheld_are_not_there(run, digits):
    shown = Page(make_page([Told(run, [], digits)], "en"))
    withheld = Page(make_page([Told(run, [], None)], "en"))
    words = read_words("en")
    assert words["records.withheld"] in withheld.text
    assert words["page.no_personal"] in withheld.text
    assert "img" not in withheld.tags
    assert words["page.personal"].format(count=shown.tags.count("img")) in shown.text


def test_records_of_another_data_set_are_listed_without_their_content(
    run, digits, without_pictures
):
    features = np.array(digits.features)
    features[0] = features[0].max() - features[0]
    content = report([run], "en", Silent(), dataset=replace(digits, features=features))
    page = Page(content)
    assert read_words("en")["records.other"] in page.text
    assert "img" not in page.tags
    # It is drawn again, with them, once their own data set is here.
    source = made_from([run.path], "en", records=True)
    assert source not in content
    assert source in report([run], "en", Silent(), dataset=digits)


def test_records_of_a_table_are_rows_of_numbers(run, digits):
    flat = replace(digits, features=digits.features.reshape(len(digits.labels), -1))
    page = Page(make_page([Told(run, [], flat)], "en"))
    assert "img" not in page.tags
    assert page.texts.count("features") == min(MOST_RECORDS, len(run.target.members))


def test_the_highest_ranks_of_one_target_come_first(run, digits):
    page = Page(make_page([Told(run, [], digits)], "en"))
    shares = [float(text[:-1]) for text in page.texts if re.fullmatch(r"\d+\.\d%", text)]
    attack = "shadow_logistic_regression"
    best = run.scores.of(attack, "original", run.target.members).max()
    others = run.scores.of(attack, "original", run.target.non_members)
    assert round(100 * float((others < best).mean()), 1) in shares


def test_a_chinese_page_holds_no_english_sentence(run, digits):
    page = Page(report([run], "zh", Silent(), dataset=digits))
    english, chinese = read_words("en"), read_words("zh")
    assert chinese["section.verdict"] in page.texts
    for key, text in english.items():
        if "{" not in text and " " in text and text != chinese[key]:
            assert text not in page.readable, key
    # What stands in other languages says so; settings and environment are as files have them.
    for text in page.readable:
        assert not re.search(LATIN_WORDS, TITLES.sub("", text)), text
    names = {*run.results.attacks, *PROPER}
    cells = [text for text in page.cells if re.search("[A-Za-z]{2}", text)]
    assert [text for text in cells if not re.search("[\u4e00-\u9fff]|^[0-9a-f]{64}$", text)
            and text not in names] == []  # fmt: skip
    assert STATEMENT in page.texts
    assert STATEMENT not in page.readable


def test_attacks_on_groups_stand_beside_those_on_one_model(run):
    say = Phrases(read_words("en"))
    (name,), grouped = run.results.attacks, run.results.grouped
    found, of_groups = run.results.attacks[name], grouped.attacks[name]
    (row,) = groups_table(run.results, say).rows
    assert row[0] == name
    for cell, attack in ((row[2], found), (row[4], of_groups)):
        assert cell == f"{attack.auc:.3f}\n({say.ends(attack.auc_interval)})"
    for cell, attack in ((row[1], found), (row[3], of_groups)):
        assert cell.startswith(say.share(attack.tpr_at_fpr["0.01"]))
    # By single shadows as well, where there are such; and what did not run on groups.
    changed = {"attacks_with_single_shadows": {name: found}, "not_run": {"cascade": "a reason"}}
    both = run.results.model_copy(update={"grouped": grouped.model_copy(update=changed)})
    table = groups_table(both, say)
    assert table.rows == [(*row, *row[1:3])]
    assert "cascade" in table.notes[-1]
    assert groups_table(run.results.model_copy(update={"grouped": None}), say) is None


def hostile_picture():
    def draw(theme, words):
        figure = Figure()
        axes = figure.subplots()
        axes.imshow([[0, 1], [1, 0]])
        axes.plot([0, 1], [0, 1], label=HOSTILE, color=theme.colours[0])
        axes.set_title(HOSTILE)
        axes.legend()
        return figure

    key = "section.pictures"
    return Picture("hostile", key, key, key, [{HOSTILE: HOSTILE, "rate": 0.5}], draw)


def test_what_is_written_like_an_element_stays_text(deleted_run, tmp_path):
    path = tmp_path / HOSTILE.replace("/", "|")
    shutil.copytree(deleted_run, path)
    page = Page(make_page([Told(FinishedRun(path), [hostile_picture()], None)], "en"))
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert not [name for name, _ in page.attributes if name.startswith("on")]
    assert path.name in page.text
    assert page.texts.count(HOSTILE) >= 3
    (path / "results.json").unlink()
    page = Page(report([opened(path)], "en", Silent()))
    assert not {"script", "img"} & set(page.tags)
    assert path.name in page.text


def test_a_picture_is_there_in_both_themes_and_with_its_numbers(run):
    content = make_page([Told(run, [hostile_picture()], None)], "en")
    page = Page(content)
    assert page.tags.count("svg") == 1
    assert "stroke: var(--picture-colour-0)" in content
    for theme in (LIGHT, DARK):
        assert content.count(f"--picture-colour-0: {theme.colours[0]};") == 1
    assert page.tags.count("details") >= 2
    assert "0.5" in page.texts
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    references = [value for name, value in page.attributes if name == "href"]
    assert any(value.startswith("data:image/png") for value in references)
    assert all(value[1:] in ids for value in references if value.startswith("#"))
    for reference in re.findall(r"url\(#([^)]*)\)", content):
        assert reference in ids


def test_runs_side_by_side_say_what_differs(deleted_run, tmp_path, cli):
    for name in ("one", "other"):
        shutil.copytree(deleted_run, tmp_path / name)
    done = cli("report", "one", "other", "--no-records", "--lang", "zh")
    assert done.returncode == 0, done.stderr
    content = (tmp_path / "one-and-other.html").read_text(encoding="utf-8")
    assert '<html lang="zh-Hans">' in content
    page, words = Page(content), read_words("zh")
    assert words["section.compared"] in page.texts
    assert words["compared.same"] in page.texts
    assert words["compared.equal"] in page.texts


def test_what_is_not_finished_is_told_as_far_as_it_is(deleted_run, run, tmp_path, without_pictures):
    path = tmp_path / "unfinished"
    shutil.copytree(deleted_run, path)
    (path / "results.json").unlink()
    index = (path / "index.jsonl").read_text().splitlines(keepends=True)
    (path / "index.jsonl").write_text(
        "".join(line for line in index if "models/shadow-02." not in line)
    )
    planned = len(run.plan.models)
    for language in LANGUAGES:
        say = Phrases(read_words(language))
        page = Page(report([opened(path)], language, Silent()))
        assert say("unfinished.headline") in page.texts
        assert say("unfinished.models", made=planned - 1, all=planned) in page.texts
        assert not {say("section.attacks"), say("section.reading")} & set(page.texts)
        assert say("certificate.title") in page.texts
        assert f"mia-dual run --config {path}/config.yaml --out {path}" in page.texts
        # Beside one that is finished there is nothing to compare.
        page = Page(report([opened(path), run], language, Silent(), records=False))
        assert say("unfinished.headline") in page.texts
        assert say("section.attacks") in page.texts
        assert say("section.compared") not in page.texts
    for name in ("plan.json", "ledger.jsonl"):
        (path / name).unlink()
    (tmp_path / "config.yaml").write_text("study: {}")
    page, words = Page(report([opened(path)], "en", Silent())), read_words("en")
    assert words["unfinished.none"] in page.texts
    assert words["section.ledger"] not in page.texts
    # A run of a study goes on with the study.
    assert "code" not in page.tags


def test_a_deletion_that_was_begun_is_told(deleted_run, tmp_path, without_pictures):
    path = tmp_path / "run"
    shutil.copytree(deleted_run, path)
    pending = read_words("en")["unfinished.pending"]
    assert pending not in Page(report([opened(path)], "en", Silent(), records=False)).texts
    (path / "deletion.pending.json").write_text("{}")
    assert pending in Page(report([opened(path)], "en", Silent(), records=False)).texts


def test_a_page_is_drawn_again_only_where_it_would_be_another(
    deleted_run, tmp_path, capsys, without_pictures
):
    path, file = tmp_path / "run", tmp_path / "run" / "report.html"
    shutil.copytree(deleted_run, path)
    telling = Telling(quiet=False, as_json=False)

    def written(language, records=False):
        before = file.stat().st_mtime_ns if file.exists() else None
        assert Paging(True, language, records).of_runs([path], file, telling) == file
        return file.stat().st_mtime_ns != before

    assert written("en")
    assert {file.suffix for file in (path / "report").iterdir()} == {".csv"}
    assert not written("en")
    assert written("zh")
    assert written("zh", records=True)
    cost = path / "cost.json"
    cost.write_text(cost.read_text().replace('"seconds": ', '"seconds": 1'))
    assert written("zh", records=True)
    assert Paging(False, "en", True).of_runs([path], file, telling) is None
    # The run is whole whatever becomes of its page.
    (path / "scores.npz").write_bytes(b"")
    assert Paging(True, "en", False).of_runs([path], file, telling) is None
    assert "no page was written to" in capsys.readouterr().err


def test_no_bar_is_shown_while_something_turns_for_the_page(
    deleted_run, tmp_path, without_pictures
):
    # Rich before 14.1 refuses to show both.
    telling, seen = Telling(quiet=True, as_json=False), io.StringIO()
    telling.waiting = Console(file=seen, force_terminal=True)
    file = tmp_path / "both.html"
    assert Paging(True, "en", False).of_runs([deleted_run, deleted_run], file, telling) == file
    assert "drawing the page" in seen.getvalue()
    assert "comparing" not in seen.getvalue()


def test_a_page_of_several_is_named_after_them():
    runs = [Path("runs", name) for name in ("one", "two", "three", "four")]
    assert page_of(runs[:1]) == Path("runs", "one", "report.html")
    assert page_of(runs[:2]).name == "one-and-two.html"
    assert page_of(runs).name == "one-and-two-and-2-more.html"
    assert page_of(runs[1:3]) == Path("runs", "two-and-three.html")


def test_what_cannot_be_reported_is_a_line(deleted_run, tmp_path, cli):
    (tmp_path / "empty").mkdir()
    assert_refused(cli("report", "nowhere"), "'nowhere'", "no run folder")
    assert_refused(cli("report", deleted_run, "--lang", "fr"), "'fr'", "en, zh")
    assert_refused(cli("report", deleted_run, "--out", "empty"), "empty", "cannot be written")
