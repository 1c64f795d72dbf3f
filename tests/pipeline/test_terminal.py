"""The terminal: one screen of answer, quiet or JSON where asked, plain where nobody looks on."""

import io
import json
import os
import subprocess
import sys

import pytest
import typer
from rich.console import Console
from typer.testing import CliRunner

from mia_dual.cli.app import app
from mia_dual.cli.progress import RichProgress
from mia_dual.report.grid import ends, number
from mia_dual.report.headline import headline
from mia_dual.report.results import Results
from mia_dual.report.strength import by_strength
from mia_dual.report.tables import print_deletion, print_results, rest_of
from tests.pipeline.test_bad_input import assert_refused

ENTRY = "import sys; sys.argv[0] = 'mia-dual'; from mia_dual.cli.app import main; main()"


@pytest.fixture(scope="module")
def results(deleted_run):
    return Results.load(deleted_run)


def shown(results, width, full=False):
    text = io.StringIO()
    print_results(results, Console(file=text, width=width), full)
    return text.getvalue()


@pytest.mark.parametrize("width", [60, 80])
def test_the_answer_is_one_screen(results, width, deleted_run):
    lines = shown(results, width).splitlines()
    assert max(map(len, lines)) <= width
    assert width < 80 or len(lines) + 1 <= 24
    told = " ".join(" ".join(lines).split())
    assert headline(results).verdict in told
    assert headline(results).limits in told
    order = by_strength(results.attacks)
    rows = [line.split()[0] for line in lines if line.split()]
    assert [row for row in rows if row in results.attacks][: len(order)] == order[:5]
    for entry in results.deletion[:4]:
        after = entry.attacks[order[0]].deleted.after
        assert f"{entry.request} ({entry.deleted}) {entry.method} " in told
        assert f" {number(after.auc)} {ends(after.auc_interval)} " in told
    assert len(rest_of("runs/quick-torch")) <= 80


def test_the_long_tables_are_asked_for(results):
    short, full = shown(results, 80), shown(results, 80, full=True)
    assert "per class" not in short
    assert "per class" in full
    assert headline(results).verdict in " ".join(full.split())
    # Figures fold where there is no room, and none is cut off.
    assert "…" not in shown(results, 60, full=True)


def test_a_deletion_is_told_alone(results):
    text = io.StringIO()
    print_deletion(results, "request 2", Console(file=text, width=80))
    assert "request 2 (2)  full" in text.getvalue()
    assert "request 1" not in text.getvalue()


@pytest.mark.parametrize(
    "command", [["log", "RUN"], ["verify", "RUN"], ["compare", "RUN", "RUN"], ["datasets"]]
)
def test_commands_are_quiet_or_tell_json(cli, deleted_run, command):
    command = [deleted_run if word == "RUN" else word for word in command]
    plain = cli(*command, columns=60)
    quiet = cli(*command, "--quiet")
    found = cli(*command, "--json")
    for done in (plain, quiet, found):
        assert (done.returncode, done.stderr) == (0, "")
    lines = plain.stdout.splitlines()
    assert len(lines) > 1
    assert quiet.stdout.splitlines() == lines[-1:]
    assert json.loads(found.stdout)
    assert "\x1b" not in plain.stdout
    assert "…" not in plain.stdout


def test_what_was_logged_is_told_as_json(cli, deleted_run):
    entries = (deleted_run / "ledger.jsonl").read_text().splitlines()
    told = json.loads(cli("log", deleted_run, "--json").stdout)
    assert told == {"entries": [json.loads(entry) for entry in entries], "pending": False}


def every_command():
    """Each command's words with its options, groups of commands among them."""

    def below(command, words):
        options = {word for option in command.params for word in option.opts}
        yield pytest.param(words, options, id=" ".join(["mia-dual", *words]))
        for name, inner in getattr(command, "commands", {}).items():
            yield from below(inner, [*words, name])

    return list(below(typer.main.get_command(app), []))


@pytest.mark.parametrize(("words", "options"), every_command())
def test_every_command_is_quiet_or_tells_json_and_helps_where_it_is_narrow(words, options):
    helped = CliRunner().invoke(app, [*words, "--help"], terminal_width=60).stdout
    assert max(map(len, helped.splitlines())) <= 60
    assert "…" not in helped
    _, is_group, listed = helped.partition("Commands:\n")
    assert "..." not in listed
    assert is_group or {"--quiet", "--json"} <= options


def test_keys_jobs_and_the_store_tell_json(cli, tmp_path):
    made = json.loads(cli("keys", "make", "keys", "--json").stdout)
    assert (tmp_path / made["public"]).is_file()
    job = json.loads(cli("xihe", "init", "job", "--json").stdout)
    assert all((tmp_path / "job" / file).is_file() for file in job)
    (tmp_path / "store" / "objects").mkdir(parents=True)
    for command, told in (
        ("list", []),
        ("verify", {"sound": 0, "damaged": []}),
        ("prune", {"objects": 0, "bytes": 0, "kept": []}),
    ):
        assert json.loads(cli("store", command, "--store", "store", "--json").stdout) == told


def test_a_plan_is_told_as_json_for_one_backend(cli, small_config):
    command = ["run", "-c", small_config, "--dry-run", "--json"]
    told = json.loads(cli(*command, "--backend", "torch").stdout)
    assert {role["role"] for role in told["roles"]} >= {"target", "shadow", "full", "group"}
    assert_refused(cli(*command, "--backend", "torch", "--backend", "mindspore"), "--json")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nonsense"], ["'nonsense'", "mia-dual --help"]),
        (["run", "--nope"], ["--nope", "mia-dual run --help"]),
        (["run", "--seed", "x"], ["--seed", "mia-dual run --help"]),
        (["run", "--device", "tpu"], ["'tpu'", "ascend"]),
        (["run", "--seed"], ["--seed"]),
        (["verify"], ["RUN", "mia-dual verify --help"]),
        (["store", "nonsense"], ["'nonsense'", "mia-dual store --help"]),
        (["compare", "--\x1b[2J"], ["mia-dual compare --help"]),
    ],
    ids=lambda value: value[-1] if value else "",
)
def test_what_cannot_be_read_is_one_line(cli, arguments, words):
    done = cli(*arguments)
    assert_refused(done, *words)
    assert done.stderr[:-1].isprintable()
    assert done.stdout == ""


def complete(words, tmp_path, **more):
    """What the shell is given to complete the last of ``words`` with."""
    environment = {
        **os.environ,
        "_MIA_DUAL_COMPLETE": "complete_bash",
        "COMP_WORDS": " ".join(words),
        "COMP_CWORD": str(len(words) - 1),
        **more,
    }
    done = subprocess.run(
        [sys.executable, "-c", ENTRY], env=environment, cwd=tmp_path,
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_shell_completes_commands_and_options_without_any_framework(tmp_path):
    for framework in ("torch", "mindspore", "sklearn"):
        (tmp_path / f"{framework}.py").write_text(f"raise SystemExit('{framework} was imported')\n")
    traps = {"PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    assert complete(["mia-dual", "ve"], tmp_path, **traps) == ["verify"]
    assert complete(["mia-dual", "run", "--fu"], tmp_path, **traps) == ["--full"]
    assert complete(["mia-dual", "run", "--device", "as"], tmp_path, **traps) == ["ascend"]


@pytest.mark.parametrize(("width", "colour"), [(60, False), (80, True)])
def test_progress_tells_models_time_left_and_records_a_second(width, colour, monkeypatch):
    if not colour:
        monkeypatch.setenv("NO_COLOR", "1")
    seen = io.StringIO()
    console = Console(file=seen, force_terminal=True, width=width, color_system="standard")
    with RichProgress(console).stage("shadow", 40, 10, unit="records", models=3) as report:
        report(20)
        report(10, 2)
    *_, last, _ = seen.getvalue().splitlines()
    assert "2/3 models" in last
    assert "records/s" in last
    assert "100 %" in last
    assert ("\x1b[3" in last) is colour
