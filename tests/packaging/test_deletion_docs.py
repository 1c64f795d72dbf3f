"""Every method of deletion has its page, and the pages say what settings and figures there are."""

import re
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel

from mia_dual.config import Config
from mia_dual.deletion.approximate import TREATMENTS
from mia_dual.deletion_settings import ApproximateMethod, DeletionSettings, ExactMethod
from mia_dual.plan.plan import METHODS
from mia_dual.yaml_file import read_yaml

DOCS = Path(__file__).parents[2] / "docs"
OVERVIEWS = [DOCS / "deletion.md", DOCS / "deletion.zh-CN.md"]
PAGES = sorted((DOCS / "deletion").glob("*.md"))
ROW = re.compile(r"^\| `([a-z_.]+)` \| `([^`]*)` \|", re.MULTILINE)


def told_defaults(page):
    """Setting -> default, as the tables of ``page`` have them."""
    return {key: read_yaml(value) for key, value in ROW.findall(page.read_text(encoding="utf-8"))}


def settings(part, prefix):
    """Every setting of ``part`` and what is in it, by dotted name, with its default."""
    for name in type(part).model_fields:
        value = getattr(part, name)
        if isinstance(value, BaseModel):
            yield from settings(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", part.model_dump(mode="json")[name]


DEFAULTS = dict(settings(DeletionSettings(), "deletion."))


def test_every_method_has_a_page_and_no_page_is_of_another():
    english = {page.stem for page in PAGES if ".zh-CN" not in page.name}
    methods = {*get_args(ExactMethod), *get_args(ApproximateMethod)}
    assert english == methods | {"reference"} == set(METHODS)
    for overview in OVERVIEWS:
        text = overview.read_text(encoding="utf-8")
        assert all(f"(deletion/{name}." in text for name in english), overview.name


@pytest.mark.parametrize("page", [*PAGES, *OVERVIEWS], ids=lambda page: page.name)
def test_settings_in_tables_have_the_defaults_written_there(page):
    told = told_defaults(page)
    assert told == {key: DEFAULTS.get(key, "no such setting") for key in told}


def test_every_setting_stands_on_the_page_it_belongs_to():
    for suffix in ("", ".zh-CN"):
        told = told_defaults(DOCS / f"deletion{suffix}.md").keys()
        told |= told_defaults(DOCS / "deletion" / f"grouped{suffix}.md").keys()
        of_a_method = {key for key in DEFAULTS if key.count(".") == 2}
        assert told == DEFAULTS.keys() - of_a_method
    for name in TREATMENTS:
        own = {key for key in DEFAULTS if key.startswith(f"deletion.{name}.")}
        assert told_defaults(DOCS / "deletion" / f"{name}.md").keys() == own
    assert Config().deletion == DeletionSettings()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_and_the_comparison_have_the_same_figures(page):
    method, chinese = page.name.partition(".")[0], ".zh-CN" in page.name
    rows = {
        tuple(cells)
        for line in OVERVIEWS[chinese].read_text(encoding="utf-8").splitlines()
        if line.startswith(f"| {method} | ")
        for cells in [line.strip("| ").split(" | ")]
    }
    table = re.findall(r"^\| (?:digits|Fashion-MNIST).*$", page.read_text("utf-8"), re.MULTILINE)
    assert len(table) == 4
    for line in table:
        _, auc, _, p, u_lira, _, _, accuracy, steps = line.strip("| ").split(" | ")
        whole = {auc, p, re.split(r"[ （]", u_lira)[0]}
        assert any(
            whole.issubset(cells) and accuracy in cells[-2] and steps in cells[-1] for cells in rows
        ), line
