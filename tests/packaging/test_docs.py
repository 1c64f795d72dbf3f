"""The documentation says what is so: commands parse, settings exist, links lead somewhere.

``pytest -m docs`` (`make docs-check`) also carries every command out, in a folder that has what
they take for granted. That takes hours, so other runs leave it out; ``-m "docs and not long"``
carries out those that take minutes at most, each.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args
from urllib.parse import unquote

import numpy as np
import pytest
import typer
import yaml
from sklearn.datasets import load_digits

from mia_dual.attack_settings import AttackModelName, AttackSettings
from mia_dual.attacks.choice import REMEDIES
from mia_dual.attacks.families import BUILDERS, Makings
from mia_dual.attacks.panel import Panel
from mia_dual.cli.app import app
from mia_dual.config import load_config
from mia_dual.metrics import auc
from mia_dual.seeds import generator

ROOT = Path(__file__).parents[2]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "benchmarks" / "README.md",
]
FENCE = re.compile(r"^( *)```(\w*)\n(.*?)^ *```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"(?<!\\)\]\(([^)\s]+)\)")

OF_THE_READER = {"RUN": "runs/quick-torch"}
"""Words that stand for the reader's own, and what the checks put there."""

NOT_OURS = {"cd", "git", "make", "pip"}
"""What else a block may call: no test pushes, clones or installs."""

NOWHERE = {
    r"--backend mine": "a backend that only a reader has",
    r"package\.module:factory": "a network that only a reader has",
    r"--device ascend": "a card that is not here",
    r"^delete \S+$": "a deletion that was cut off",
}
"""Commands that cannot be carried out here, and why."""

LONG = re.compile(
    r"lira\.yaml|forgetting\.yaml|fashion_mnist\.yaml|every_attack\.yaml|^study |^bench"
)
"""Commands that take more than two minutes on two cores."""


def fences(page, language):
    for space, named, content in FENCE.findall(page.read_text(encoding="utf-8")):
        if named == language:
            yield re.sub(rf"^{space}", "", content, flags=re.MULTILINE)


def commands(page):
    """Every command of the page's sh blocks as words, in order."""
    found = []
    for block in fences(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"\s&&\s", line):
                if re.search(r"<[\w ]+>", part):
                    continue
                words = shlex.split(part, comments=True)
                if words:
                    found.append([OF_THE_READER.get(word, word) for word in words])
    return found


ALL = [(page, words) for page in PAGES for words in commands(page)]
OURS = list(dict.fromkeys(tuple(words[1:]) for _, words in ALL if words[0] == "mia-dual"))


def parsed(words):
    """What a command's options come to; raises where they do not parse. Nothing is carried out."""
    command, words = typer.main.get_command(app), list(words)
    name = "mia-dual"
    while hasattr(command, "commands") and words and not words[0].startswith("-"):
        name = words.pop(0)
        assert name in command.commands, f"no command {name}"
        command = command.commands[name]
    if hasattr(command, "commands"):
        # What stands before any command is carried out at once, so it is looked up alone.
        known = {option for parameter in command.params for option in parameter.opts}
        assert known.issuperset(words), words
        return name, {}
    try:
        return name, command.make_context(name, words).params
    except typer.Exit:
        return name, {}


def test_there_are_commands_on_every_page_that_should_have_some():
    told = {page.name for page, _ in ALL}
    assert {
        "README.md", "README.zh-CN.md", "CONTRIBUTING.md", "quick-start.md", "quick-start.zh-CN.md",
        "tutorial.md", "tutorial.zh-CN.md", "own-model.md", "attacks.md", "deletion.md", "xihe.md",
    } <= told  # fmt: skip


@pytest.mark.parametrize("words", OURS, ids=" ".join)
def test_commands_parse_and_their_settings_exist(words):
    name, options = parsed(words)
    if options.get("config") is not None:
        assert (ROOT / options["config"]).is_file(), f"{words}: no {options['config']}"
    if name == "run" and options:
        config = options["config"]
        load_config(config and ROOT / config, options["assignments"])


def test_runs_into_one_folder_are_of_one_config():
    # A folder of another config is refused, and so would be whoever follows the pages.
    folders = {}
    for words in OURS:
        name, options = parsed(words)
        if name != "run" or options["dry_run"]:
            continue
        file = options["config"] and ROOT / options["config"]
        for backend in options["backend"] or [None]:
            chosen = {"backend": backend, "seed": options["seed"]}
            config = load_config(file, options["assignments"], chosen)
            stem = file.stem if file else "default"
            folder = options["out"] or Path(f"runs/{stem}-{config.backend}")
            assert folders.setdefault(folder, config) == config, words
    assert len(folders) > 8


def test_a_command_that_does_not_parse_is_noticed():
    for wrong in (["run", "--no-such"], ["delete"], ["run", "--seed", "x"]):
        with pytest.raises(Exception, match=r"(?i)no such|missing|valid"):
            parsed(wrong)
    with pytest.raises(AssertionError, match="no command"):
        parsed(["no-such"])


def test_other_commands_are_few_and_their_files_exist():
    for page, words in ALL:
        program = Path(words[0]).name
        if program == "python":
            files = [word for word in words[1:] if "/" in word and not word.startswith("-")]
            files = [file for file in files if file.startswith(("tests", "examples", "benchmarks"))]
            assert files, f"{page.name}: {words}"
            for file in files:
                assert (ROOT / file).exists(), f"{page.name}: {file}"
        else:
            assert program in NOT_OURS | {"mia-dual", "cp"}, f"{page.name}: {words}"


def anchors(page):
    """The anchors of headings, as GitHub and the site make them."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page):
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    for link in LINK.findall(text):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = unquote(link).partition("#")
        there = page.parent / path if path else page
        assert there.exists(), f"{page.name}: {link}"
        if anchor:
            assert anchor in anchors(there), f"{page.name}: {link}"


def test_twins_link_each_other_and_have_the_same_commands():
    for chinese in (ROOT / "docs").rglob("*.zh-CN.md"):
        english = chinese.with_name(chinese.name.replace(".zh-CN", ""))
        assert english.name in chinese.read_text(encoding="utf-8"), chinese.name
        if chinese.name != "index.zh-CN.md":
            assert commands(chinese) == commands(english), chinese.name


ATTACK_PAGES = {page.stem: page for page in (ROOT / "docs" / "attacks").glob("*.md")}
SETTING = re.compile(r"^\| `attack\.([\w.]+)` \| `([^`]+)` \|", re.MULTILINE)


def leaves(settings, prefix=""):
    """Dotted names of settings, and their values; an empty mapping is a value."""
    for name, value in settings.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def test_every_family_of_attacks_has_a_page_that_both_overviews_lead_to():
    assert set(ATTACK_PAGES) == set(BUILDERS)
    for overview in ("attacks.md", "attacks.zh-CN.md"):
        told = (ROOT / "docs" / overview).read_text(encoding="utf-8")
        assert set(re.findall(r"\]\(attacks/(\w+)\.md\)", told)) == set(BUILDERS), overview


def test_every_setting_of_attacks_is_told_with_its_default():
    defaults = dict(leaves(AttackSettings().model_dump(mode="json")))
    told = [
        (setting, yaml.safe_load(default))
        for page in ATTACK_PAGES.values()
        for setting, default in SETTING.findall(page.read_text(encoding="utf-8"))
    ]
    for setting, default in told:
        assert setting in defaults, f"no setting attack.{setting}"
        assert defaults[setting] == default, f"attack.{setting}"
    assert {setting for setting, _ in told} == defaults.keys() - {"families"}


@pytest.mark.parametrize("family", sorted(BUILDERS))
def test_an_attack_page_names_its_attacks_their_needs_and_a_command_that_runs_them(family):
    settings = AttackSettings(models=get_args(AttackModelName))
    attacks = BUILDERS[family](Makings(settings, None, None, 0))
    text = ATTACK_PAGES[family].read_text(encoding="utf-8")
    opening = text.partition("\n## ")[0]
    assert {attack.name for attack in attacks} <= set(re.findall(r"`(\w+)`", opening))
    wanted = text.partition("## What it needs")[2].partition("\n## ")[0]
    remedies = " ".join(REMEDIES.get(need, "") for attack in attacks for need in attack.needs)
    for setting in re.findall(r"\b(?:shadows|attack)(?:\.\w+)+", remedies):
        assert setting in wanted, f"{setting} gives what {family} needs"
    (words,) = commands(ATTACK_PAGES[family])
    _, options = parsed(words[1:])
    config = load_config(ROOT / options["config"], options["assignments"])
    assert family in config.attack.families


def test_the_attack_that_the_documentation_adds_works():
    code = next(iter(fences(ROOT / "docs" / "own-attack.md", "python")))
    names = {}
    exec(code, names)  # the page's own code
    rng = generator(0, "docs")
    difficulty, member = rng.normal(0, 3, 400), np.arange(400) % 2 == 0
    inside = rng.random((16, 400)) < 0.5
    inside[:, 7] = True
    panel = Panel(
        difficulty + 2 * member + rng.normal(size=400),
        difficulty + 2 * inside + rng.normal(size=(16, 400)),
        inside,
        np.zeros(400, np.int64),
    )
    scores = names["standing_out"](panel, None)
    assert np.isfinite(scores).all()
    assert auc(member, scores) > auc(member, panel.target) + 0.1 > 0.7


@pytest.fixture(scope="module")
def workplace(tmp_path_factory):
    """What the documentation takes for granted: configs, examples, a reader's files."""
    place = tmp_path_factory.mktemp("docs")
    for folder in ("configs", "examples", "benchmarks"):
        shutil.copytree(ROOT / folder, place / folder)
    digits = load_digits()
    x = (digits.images[:, None] / 16).astype(np.float32)
    np.savez(place / "mine.npz", x=x, y=digits.target.astype(np.int64))
    said = generator(0, "said").dirichlet(np.ones(10), len(x))
    member = np.arange(len(x)) % 2 == 0
    np.savez(place / "said.npz", target_confidences=said, labels=digits.target, membership=member)
    return place


def carried_out(words, place):
    line = [sys.executable, "-m", "mia_dual", *words] if words[0] != "python" else list(words)
    # Pages are written, as for a reader, and nothing outside the folder.
    environment = {**os.environ, "HOME": str(place), "MIA_DUAL_PAGE": "1"}
    return subprocess.run(
        line, cwd=place, env=environment, capture_output=True, text=True, check=False
    )


SHORT = [("datasets",), ("xihe", "init", "audit")]
"""Commands that are carried out in every run of the tests; the rest by `make docs-check`."""


@pytest.mark.parametrize("words", SHORT, ids=" ".join)
def test_short_commands_do_what_they_say(words, workplace):
    assert words in OURS
    done = carried_out(words, workplace)
    assert done.returncode == 0, done.stdout + done.stderr


def is_long(words):
    return LONG.search(" ".join(words)) is not None


@pytest.mark.docs
@pytest.mark.parametrize(
    "words",
    [
        pytest.param(words, id=" ".join(words), marks=[pytest.mark.long] if is_long(words) else [])
        # Each after those that it goes on from, none of which is long.
        for words in sorted(OURS, key=is_long)
    ],
)
def test_every_command_does_what_it_says(words, workplace):
    for pattern, reason in NOWHERE.items():
        if re.search(pattern, " ".join(words)):
            pytest.skip(reason)
    done = carried_out(words, workplace)
    assert done.returncode == 0, done.stdout + done.stderr
