"""What a command says reaches whoever reads it."""

import pytest

from mia_dual.cli.telling import Telling


@pytest.mark.parametrize("say", [Telling.say, lambda telling, line: telling.end(line, dict)])
def test_a_path_of_no_characters_is_said_by_its_bytes(capsys, say):
    say(Telling(quiet=False, as_json=False), "wrote '\udcff.html'")
    assert capsys.readouterr().out == "wrote '\\udcff.html'\n"
