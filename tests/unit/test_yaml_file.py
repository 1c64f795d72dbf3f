"""YAML as settings are written in it: what is read, refused, and read again."""

import math

import hypothesis.strategies as st
import pytest
import yaml
from hypothesis import given, settings

from mia_dual.yaml_file import YamlError, read_yaml, read_yaml_file, write_yaml

SYNTAX = [
    "- ", "? ", ": ", "[", "]", "{", "}", ",", "\n", "\n  ", "a", "b: ", '"', "'", "|", ">", "#",
    "%YAML ", "%TAG ", "1", "1e3", "~", ".inf", "!!int ", "!", "!<x>", "&a ", "*a", "---\n", "...",
    "\\x", "\\UFFFFFFFF", "\t", "\u2028", "\x85", "\ufeff", "<<: ", "=", "@", "0x", "\x00",
    "\ud800",
]  # fmt: skip
plain = st.none() | st.booleans() | st.integers(-(2**63), 2**64) | st.floats(allow_nan=False)
texts = st.text(st.characters(codec="utf-8")) | st.sampled_from(
    ["0o7", "1e3", "0x1f", "1:30", "yes", "2020-01-31", "1_0", "<<", "=", "~", "", "null", ".5"]
)


def test_core_schema_values_are_read_as_they_say():
    text = (
        "{a: 010, b: 0x1F, c: 0o17, d: -3, e: 1e-3, f: .5, g: -.inf, h: yes, i: 1:30, "
        "j: 2020-01-31, k: ~, l: 'true', m: true, n: 1_000, o: '', p: }"
    )
    assert read_yaml(text) == {
        "a": 10, "b": 31, "c": 15, "d": -3, "e": 0.001, "f": 0.5, "g": -math.inf, "h": "yes",
        "i": "1:30", "j": "2020-01-31", "k": None, "l": "true", "m": True, "n": "1_000", "o": "",
        "p": None,
    }  # fmt: skip


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(SYNTAX), max_size=40).map("".join))
def test_whatever_is_written_is_read_or_refused_in_a_short_line(text):
    value, refusal = None, ""
    try:
        value = read_yaml(text)
    except YamlError as error:
        refusal = str(error)
    assert len(refusal) < 400
    assert not refusal or refusal.isprintable()
    again = read_yaml(write_yaml(value))
    assert repr(again) == repr(value)


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        plain | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
        max_leaves=8,
    )
)
def test_what_is_written_reads_back_here_and_elsewhere(value):
    text = write_yaml({"settings": value})
    assert repr(yaml.safe_load(text)) == repr({"settings": value})
    if depth(value) < 10:
        assert repr(read_yaml(text)) == repr({"settings": value})


def depth(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth, inner), default=0)


@pytest.mark.parametrize("content", [b"- 1\n" * 20_000, "名".encode() * 30_000])
def test_a_file_too_long_for_a_config_is_refused(tmp_path, content):
    file = tmp_path / "config.yaml"
    file.write_bytes(content)
    with pytest.raises(YamlError, match="longer than 65,536"):
        read_yaml_file(file)


@pytest.mark.parametrize("letter", ["\x85", "\u2028", "\u2029"])
def test_letters_that_older_dialects_take_for_breaks_are_to_be_escaped(letter):
    with pytest.raises(YamlError, match=r"line 2: write the character .* as an escape"):
        read_yaml(f'a: 1\nb: "{letter}"')
    assert read_yaml('b: "\\u2028"') == {"b": "\u2028"}
    assert read_yaml(write_yaml({"b": letter})) == {"b": letter}
