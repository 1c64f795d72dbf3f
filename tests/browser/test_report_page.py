"""The report page as a browser shows it: whole, quiet, and as wide as the window."""

import json
import shutil

import pytest

from mia_dual.data.load import load_dataset
from mia_dual.progress import Silent
from mia_dual.report.page.phrases import read_words
from mia_dual.report.pictures.picture import DARK, LIGHT
from mia_dual.store.objects import Store
from mia_dual.study_settings import load_study
from mia_dual.walks.finished import FinishedRun
from mia_dual.walks.report import opened, report
from mia_dual.walks.study import run_study
from mia_dual.walks.study_report import report_study
from mia_dual.yaml_file import write_yaml
from tests.numpy_backend import NumpyEngine
from tests.pipeline.deleted_run import SETTINGS, make_run


def rgb(colour):
    """A colour #rrggbb as a browser names it."""
    return f"rgb({', '.join(str(int(colour[at : at + 2], 16)) for at in (1, 3, 5))})"


LANGUAGES, THEMES, WIDTHS = ("en", "zh"), ("light", "dark"), (360, 1440)


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """Folder of pages: on a run with a ledger in both languages, on one that is not finished, and
    on a study.
    """
    folder = tmp_path_factory.mktemp("pages")
    digits = load_dataset("digits")
    make_run(folder / "run", digits)
    run = FinishedRun(folder / "run")
    made = {language: report([run], language, Silent()) for language in LANGUAGES}
    shutil.copytree(run.path, folder / "begun")
    (folder / "begun" / "results.json").unlink()
    made["unfinished"] = report([opened(folder / "begun")], "en", Silent())
    made["study"] = study_page(folder, digits)
    for name, page in made.items():
        (folder / f"{name}.html").write_text(page, encoding="utf-8")
    return folder


def study_page(folder, dataset):
    """The page of a study of two values and two seeds."""
    file, engine = folder / "epochs.yaml", NumpyEngine()
    study = {"key": "target.epochs", "values": [2, 4], "seeds": [0, 1], "y": ["auc", "gap"]}
    file.write_text(write_yaml({**SETTINGS, "deletion": {"ratios": []}, "study": study}))
    run_study(
        load_study(str(file)), lambda config: engine, lambda config: dataset,
        folder / "study", Store(folder / "store-run"), Silent(),
    )  # fmt: skip
    return report_study(folder / "study", "zh")


@pytest.fixture
def show(browser, pages):
    """Open a page in a theme and a width; gives the requests that it made."""

    def shown(name, theme, width):
        browser.get_log("performance")
        browser.get_log("browser")
        browser.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-color-scheme", "value": theme}]},
        )
        browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500},
        )
        browser.get((pages / f"{name}.html").as_uri())
        messages = [
            json.loads(line["message"])["message"] for line in browser.get_log("performance")
        ]
        return [
            message["params"]["request"]["url"]
            for message in messages
            if message["method"] == "Network.requestWillBeSent"
        ]

    return shown


def assert_quiet(browser, requests, own, width):
    """Nothing was asked of anybody, nothing went wrong, and nothing is wider than the window."""
    assert own in requests
    assert [url for url in requests if url != own and not url.startswith("data:")] == []
    assert browser.get_log("browser") == []
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_is_whole_and_asks_nobody(browser, show, pages, language, theme, width):
    assert_quiet(
        browser, show(language, theme, width), (pages / f"{language}.html").as_uri(), width
    )
    headline = browser.find_element("css selector", ".verdict .headline")
    assert headline.is_displayed()
    assert headline.text in {
        text for key, text in read_words(language).items() if key.startswith("verdict.")
    }
    assert headline.location["y"] < 800
    for table in browser.find_elements("css selector", "section > .scroll > table"):
        assert table.is_displayed()
    assert all(
        browser.execute_script("return arguments[0].naturalWidth", image) > 0
        for image in browser.find_elements("css selector", ".records img")
    )
    background = browser.execute_script(
        "return getComputedStyle(document.documentElement).backgroundColor"
    )
    red = int(background.partition("(")[2].partition(",")[0])
    assert (red < 128) == (theme == "dark")
    svgs = browser.find_elements("css selector", ".picture svg")
    assert svgs
    assert all(svg.is_displayed() for svg in svgs)
    inks = {
        browser.execute_script("return getComputedStyle(arguments[0]).fill", svg)
        for svg in browser.find_elements("css selector", ".picture svg text")
    }
    assert rgb((DARK if theme == "dark" else LIGHT).ink) in inks
    assert rgb((LIGHT if theme == "dark" else DARK).ink) not in inks


@pytest.mark.parametrize(("name", "pictures"), [("unfinished", 0), ("study", 2)])
def test_other_pages_are_as_quiet_on_a_telephone(browser, show, pages, name, pictures):
    width = min(WIDTHS)
    assert_quiet(browser, show(name, "dark", width), (pages / f"{name}.html").as_uri(), width)
    assert browser.find_element("css selector", ".verdict .headline").is_displayed()
    assert len(browser.find_elements("css selector", ".picture svg")) == pictures
    assert browser.find_element("css selector", "section > .scroll > table").is_displayed()
