"""Every method of deletion has a page, and its table of settings is what settings are."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from mia_dual.deletion_settings import ApproximateMethod, DeletionSettings, ExactMethod
from mia_dual.plan.plan import METHODS

PAGES = Path(__file__).parents[2] / "docs" / "deletion"
ROW = re.compile(r"^\| `([\w.]+)` \| `([^`]+)` \|", re.MULTILINE)


def written_settings(page):
    """Setting -> the default that ``page`` names."""
    return {name: json.loads(value) for name, value in ROW.findall(page.read_text("utf-8"))}


def default_of(settings, name):
    """The default of a dotted ``name`` below ``settings``, as JSON has it."""
    found = settings.model_dump(mode="json")
    for part in name.split("."):
        found = found[part]
    return found


def test_every_method_has_a_page_and_every_page_is_of_a_method():
    assert {page.stem for page in PAGES.glob("*.md")} == set(METHODS)


@pytest.mark.parametrize("method", METHODS)
def test_a_page_says_what_settings_are_and_whether_it_deletes(method):
    text = (PAGES / f"{method}.md").read_text("utf-8")
    assert text.startswith(f"# {method}: ")
    assert ("**Exact**: this is deletion." in text) == (method in get_args(ExactMethod))
    assert ("**No deletion" in text) == (method in get_args(ApproximateMethod))
    for name, value in written_settings(PAGES / f"{method}.md").items():
        assert default_of(DeletionSettings(), name.removeprefix("deletion.")) == value, name


def test_every_setting_of_a_method_is_on_its_page():
    for method in METHODS:
        own = DeletionSettings().model_dump(mode="json").get(method, {})
        assert {f"deletion.{method}.{name}" for name in own} <= set(
            written_settings(PAGES / f"{method}.md")
        )
