"""YAML as settings are written in it: plain values, read strictly; and written to be read again.

Of YAML 1.2's core schema all of null, true and false, integers (also 0x1f and 0o17), floats and
strings is read. What stands in other dialects for a number, a truth or a date (``1:30``, ``1_000``,
``yes``, ``2020-01-31``) is a string. Tags, anchors and aliases, keys that stand twice or are no
strings, deep nesting and long text are refused: no setting needs them.
"""

from __future__ import annotations

import re
import stat
from pathlib import Path
from typing import Any, Optional

import yaml

from mia_dual.quoting import one_line, quoted

MOST_CHARACTERS = 65_536
"""Of a file: a hundred times what a config takes, read in about a second."""

DEEPEST = 10
"""Lists and keys within one another; settings need four."""

MOST_DIGITS = 24
"""Of an integer, sign and 0x included: more than 64 bits need."""

_BREAKS = re.compile("[\x85\u2028\u2029]")
"""What YAML 1.1, and so PyYAML, takes for the end of a line, and 1.2 for a letter."""

_PREFIX = "tag:yaml.org,2002:"
_PLAIN = {
    "null": re.compile(r"(?:~|null|Null|NULL|)\Z"),
    "bool": re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z"),
    "int": re.compile(r"(?:[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z"),
    "float": re.compile(
        r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
        r"|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z"
    ),
}


class YamlError(ValueError):
    """``reason`` says on one line what is wrong and what mends it; ``str`` says where, too."""

    def __init__(self, reason: str, line: Optional[int] = None, key: str = "") -> None:
        place = ", ".join(part for part in (f"line {line}" if line else "", key) if part)
        super().__init__(f"{place}: {reason}" if place else reason)
        self.reason = reason


def read_yaml_file(file: Path) -> Any:
    """The content of ``file`` as :func:`read_yaml` gives it; raises YamlError also where the
    file cannot be read.
    """
    try:
        if not stat.S_ISREG(file.stat().st_mode):
            raise YamlError("it is no regular file")
        with file.open("rb") as stream:
            content = stream.read(MOST_CHARACTERS + 1)
    except OSError as error:
        raise YamlError(error.strerror or "the system refuses it") from error
    if len(content) > MOST_CHARACTERS:
        raise _too_long()
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise YamlError("it is no UTF-8 text", line) from error
    return read_yaml(text)


def read_yaml(text: str) -> Any:
    """The one document in ``text``, of dicts (of str keys), lists, str, int, float, bool, None.

    Raises YamlError naming the line, and the key where there is one.
    """
    if len(text) > MOST_CHARACTERS:
        raise _too_long()
    found = _BREAKS.search(text)
    if found is not None:
        written = ascii(found.group())[1:-1]
        line = text.count("\n", 0, found.start()) + 1
        raise YamlError(f"write the character {written} as an escape, in double quotes", line)
    try:
        node = _compose(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _not_yaml(error.problem or "", mark.line + 1 if mark else None) from error
    except yaml.reader.ReaderError as error:
        reason = f"the character {quoted(chr(error.character))} does not stand in YAML"
        raise _not_yaml(reason, text.count("\n", 0, error.position) + 1) from error
    return None if node is None else _value(node, ())


def write_yaml(value: Any) -> str:
    """``value`` as text that :func:`read_yaml` reads as the same, and other readers too."""
    text: str = yaml.dump(value, Dumper=_Writer, sort_keys=False)
    return text


def _compose(text: str) -> Optional[yaml.Node]:
    loader = _Loader(text)
    try:
        node: Optional[yaml.Node] = loader.get_single_node()
    except YamlError:
        raise
    except (ValueError, OverflowError) as error:
        # PyYAML passes escapes ("\UFFFFFFFF") and version numbers to chr() and int() unseen.
        raise _not_yaml("an escape or a version is out of range", loader.line + 1) from error
    finally:
        loader.dispose()
    return node


class _Loader(yaml.SafeLoader):
    """PyYAML up to its nodes, with plain scalars understood as 1.2 does, and no extras."""

    yaml_implicit_resolvers = {}  # noqa: RUF012  (PyYAML's own way to start from none)

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._path: list[str] = []

    def compose_node(self, parent: Optional[yaml.Node], index: Any) -> Optional[yaml.Node]:
        """See PyYAML: ``index`` is a value's key node, a list's position, or None."""
        part = index.value if isinstance(index, yaml.ScalarNode) else index
        self._path.append("" if part is None else str(part))
        event: Any = self.peek_event()  # type: ignore[no-untyped-call]
        reason = _refusal(event, len(self._path))
        if reason:
            raise YamlError(reason, event.start_mark.line + 1, _dotted(self._path))
        node: Optional[yaml.Node] = super().compose_node(parent, index)
        self._path.pop()
        return node


class _Writer(yaml.SafeDumper):
    """PyYAML's, which quotes strings that older dialects misread; and those that ours would."""

    def ignore_aliases(self, data: Any) -> bool:
        """See PyYAML: what is there twice is written twice."""
        return True


for _kind, _pattern in _PLAIN.items():
    _Loader.add_implicit_resolver(_PREFIX + _kind, _pattern, None)
    _Writer.add_implicit_resolver(_PREFIX + _kind, _pattern, None)


def _refusal(event: Any, depth: int) -> str:
    if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
        return "anchors and aliases (&name, *name) are not read: write the value itself"
    if event.tag is not None:
        tag = quoted(event.tag.replace(_PREFIX, "!!"))
        return f"tags such as {tag} are not read: write the plain value"
    if depth > DEEPEST:
        return f"this is nested more than {DEEPEST} deep, which no setting is"
    return ""


def _value(node: yaml.Node, path: tuple[str, ...]) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path)
    if isinstance(node, yaml.SequenceNode):
        return [_value(child, (*path, str(at))) for at, child in enumerate(node.value)]
    kind, text = node.tag.replace(_PREFIX, ""), node.value
    if kind == "null":
        return None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "int":
        if len(text) > MOST_DIGITS:
            reason = f"an integer of {len(text):,} characters is longer than any setting's"
            raise YamlError(reason, node.start_mark.line + 1, _dotted(path))
        return int(text, {"0x": 16, "0o": 8}.get(text[:2], 10))
    if kind == "float":
        return float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))
    return text


def _mapping(node: yaml.MappingNode, path: tuple[str, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if key_node.tag != f"{_PREFIX}str":
            key = (
                quoted(key_node.value)
                if isinstance(key_node, yaml.ScalarNode)
                else "what stands left of a colon"
            )
            raise YamlError(f"{key} is no name of a setting: write a word", line, _dotted(path))
        if key_node.value in values:
            raise YamlError("it stands twice: keep one", line, _dotted((*path, key_node.value)))
        values[key_node.value] = _value(value_node, (*path, key_node.value))
    return values


def _dotted(path: tuple[str, ...] | list[str]) -> str:
    key = ".".join(part for part in path if part)
    return key if key.isprintable() and len(key) <= 80 else quoted(key)


def _not_yaml(reason: str, line: Optional[int]) -> YamlError:
    return YamlError(f"this is not YAML: {one_line(reason, 160)}", line)


def _too_long() -> YamlError:
    return YamlError(f"it is longer than {MOST_CHARACTERS:,} characters, which no config is")
