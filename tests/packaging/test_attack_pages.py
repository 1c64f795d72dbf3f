"""Every family of attacks has a page, and its table of settings is what settings are."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest

from mia_dual.attack_settings import OF_THE_RUN, AttackFamily, AttackSettings

PAGES = Path(__file__).parents[2] / "docs" / "attacks"
FAMILIES = get_args(AttackFamily)
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


def test_every_family_has_a_page_and_every_page_is_of_a_family():
    assert {page.stem for page in PAGES.glob("*.md")} == set(FAMILIES)


@pytest.mark.parametrize("family", FAMILIES)
def test_a_page_says_what_settings_are(family):
    page = PAGES / f"{family}.md"
    text = page.read_text("utf-8")
    assert text.startswith(f"# {family}: ")
    assert ("Runs by default." in text) == (family in OF_THE_RUN)
    for name, value in written_settings(page).items():
        assert default_of(AttackSettings(), name.removeprefix("attack.")) == value, name


def test_every_setting_of_attacks_is_on_some_page():
    def names(settings, prefix):
        for key, value in settings.items():
            name = f"{prefix}.{key}"
            yield from names(value, name) if isinstance(value, dict) and value else [name]

    told = {name for page in PAGES.glob("*.md") for name in written_settings(page)}
    everything = set(names(AttackSettings().model_dump(mode="json"), "attack"))
    assert everything - told == {"attack.families"}
