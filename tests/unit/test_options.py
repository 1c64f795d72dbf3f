"""Words on the command line, and what a command says when it cannot go on."""

import pytest
import typer

from mia_dual.cli.guard import guarded
from mia_dual.cli.options import parse_memory
from mia_dual.errors import ConfigError, DataError


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("4GB", 4 * 10**9),
        ("4 GB", 4 * 10**9),
        (" 4gb\n", 4 * 10**9),
        ("1.5GiB", 3 * 2**29),
        (".5 KB", 500),
        ("512MiB", 2**29),
        ("0.1TB", 10**11),
        ("1000000", 10**6),
        ("1000000B", 10**6),
    ],
)
def test_a_size_of_memory_is_read_to_the_byte(text, size):
    assert parse_memory(text) == size


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("4 GB of ram", "no size"),
        ("", "no size"),
        (" ", "no size"),
        ("4,5GB", "no size"),
        ("-4GB", "no size"),
        ("+4GB", "no size"),
        ("nan", "no size"),
        ("inf", "no size"),
        ("1e400GB", "no size"),
        ("1e9", "no size"),
        ("4.5.6GB", "no size"),
        ("4.GB", "no size"),
        ("4Gbit", "no size"),
        ("4GB4", "no size"),
        ("٤GB", "no size"),
        ("4\u212aB", "no size"),
        ("9" * 5000, "no size"),
        ("\x1b[2J", "no size"),
        ("0", "leaves nothing"),
        ("0.4", "leaves nothing"),
        ("9999999999TB", "more than machines have"),
    ],
)
def test_what_is_no_size_of_memory_is_refused(text, words):
    with pytest.raises(ConfigError, match=words) as caught:
        parse_memory(text)
    assert str(caught.value).startswith("--memory ")
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("'a' is bad:\n\n  mend it", "mia-dual: 'a' is bad: mend it"),
        ("\x1b[2J\x1b]0;owned\x07 \u202e\x85", r"mia-dual: \x1b[2J\x1b]0;owned\x07 \u202e"),
        ("名 [bold]é[/]", "mia-dual: 名 [bold]é[/]"),
    ],
)
def test_an_error_is_one_printable_line(capsys, message, line):
    assert said_by(DataError(message), capsys) == (2, line)


@pytest.mark.parametrize("filling", ["x" * 10**7, "x " * 10**5, "\x1b" * 10**5, "\n" * 10**6])
def test_a_long_error_loses_its_middle(capsys, filling):
    code, line = said_by(DataError(f"'file' is bad: {filling}: mend it"), capsys)
    assert code == 2
    assert line.startswith("mia-dual: 'file' is bad:")
    assert line.endswith(": mend it")
    assert len(line) <= 2020


def test_an_interrupt_says_how_to_go_on(capsys):
    code, line = said_by(KeyboardInterrupt(), capsys)
    assert code == 130
    assert "the same command goes on" in line


def said_by(error, capsys):
    @guarded
    def command():
        raise error

    with pytest.raises(typer.Exit) as stop:
        command()
    said = capsys.readouterr()
    assert not said.out
    (line,) = said.err.splitlines()
    return stop.value.exit_code, line


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(36, "File name too long", "x" * 300), "xxx...' cannot be used (File name too lo"),
        (PermissionError(13, "Permission denied", "there"), "'there' cannot be used (Permission"),
        (OSError("odd"), "a file cannot be used (the system refuses it): name another place"),
        (
            MemoryError("7 GiB"),
            "memory ran out (7 GiB): take fewer --workers, models or records",
        ),
        (MemoryError(), "memory ran out (no more is to be had): take fewer --workers"),
    ],
)
def test_what_the_system_refuses_is_one_line(error, words, capsys):
    code, line = said_by(error, capsys)
    assert code == 2
    assert line.startswith("mia-dual: ")
    assert words in line


def test_whoever_stops_reading_is_told_nothing(capsys):
    with pytest.raises(BrokenPipeError):
        guarded(_stop_reading)()


def _stop_reading():
    raise BrokenPipeError
