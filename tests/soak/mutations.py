"""What can become of a config, a file or a command's words on their way to us."""

import copy
import math

from hypothesis import strategies as st

WORDS = [
    "", " ", "-", "--", "---", "-1", "--no-such-option", "--=", "-xyz", "=", "a=b", "a.b=[", ",",
    "nan", "inf", "1e999", "1e-400", "0x10", "1_000", "5.0", "true", "yes", "null", "~", "٣", "²",
    "9" * 400, "-" + "9" * 5000, "x" * 300, "x/" * 2500, "名前", "e\u0301", "\U0001f600", "\u202e",
    "\x1b[2J", "\u2028", "a\nb", "\t", "\r", "[red]x[/]", "[/]", "{0}", "%s%n", "$(x)", "`x`", "*",
    "..", ".", "/", "../..", "/dev/null/x", "/proc/self/x", "no-such/place", "npz", "outputs",
    "my.nets:make", "os:system", ":", "torch", "mindspore", "module",
]  # fmt: skip
"""Texts that are odd somewhere."""

NUMBERS = [
    0, 1, -1, 2, 3, 7, 100, 10**4, 10**6, 2**31, 2**63 - 1, 2**63, 2**64, -(2**63) - 1, 10**30,
    10**400, 0.5, 0.1, 1.0, -0.0, 1e-320, 1e308, math.inf, -math.inf, math.nan,
]  # fmt: skip

texts = st.sampled_from(WORDS) | st.text(st.characters(codec="utf-8"), max_size=20)
scalars = st.none() | st.booleans() | st.sampled_from(NUMBERS) | texts
values = scalars | st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


def _nested(depth):
    value = 1
    for _ in range(depth):
        value = [value]
    return value


huge = st.sampled_from(["x" * 70_000, [0] * 3000, _nested(12), _nested(100), {"k": {"k": {}}}])


def alike(value):
    """Values of the type of ``value``, many of which do in its place."""
    if isinstance(value, bool):
        return st.booleans()
    if isinstance(value, int):
        return st.integers(0, 12) | st.integers(0, 300) | st.sampled_from(NUMBERS[:15])
    if isinstance(value, float):
        return st.floats(0, 1) | st.sampled_from([1, 1e-300, 1e30])
    if isinstance(value, list) and value:
        return st.lists(st.sampled_from(value) | alike(value[0]), max_size=5)
    return texts if isinstance(value, str) else st.integers(0, 100)


def places(tree, path=()):
    """The path of everything within ``tree``, of dicts and lists, from its root on."""
    yield path
    if isinstance(tree, (dict, list)):
        for key, inner in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from places(inner, (*path, key))


def at(tree, path):
    """What ``tree`` holds at ``path``."""
    for key in path:
        tree = tree[key]
    return tree


@st.composite
def changed(draw, tree, most=3):
    """``tree``, as JSON or YAML has it, with a few of its values, keys or branches changed."""
    tree = copy.deepcopy(tree)
    for _ in range(draw(st.integers(1, most))):
        if not isinstance(tree, (dict, list)) or not tree:
            break
        *above, key = draw(st.sampled_from(list(places(tree))[1:]))
        holder = at(tree, above)
        kinds = ["alike"] * 5 + ["other"] * 3 + ["gone", "key", "twin", "huge"]
        kind = draw(st.sampled_from(kinds))
        if kind == "alike":
            holder[key] = copy.deepcopy(draw(alike(holder[key])))
        elif kind == "other":
            holder[key] = draw(values)
        elif kind == "huge":
            holder[key] = copy.deepcopy(draw(huge))
        elif kind == "gone":
            del holder[key]
        elif isinstance(holder, list):
            holder.insert(0, copy.deepcopy(holder[key]))
        elif kind == "key":
            holder[draw(texts)] = holder.pop(key)
        else:
            holder[draw(texts)] = copy.deepcopy(holder[key])
    return tree


@st.composite
def damaged(draw, content, most=4):
    """``content``, bytes, with some of them flipped, gone, doubled, put in or zero."""
    content = bytearray(content)
    for _ in range(draw(st.integers(1, most))):
        kind = draw(st.sampled_from(["flip", "cut", "end", "put", "twice", "zero", "number"]))
        start = draw(st.integers(0, max(len(content) - 1, 0)))
        length = draw(st.integers(1, 8) | st.integers(1, 2000))
        if kind == "flip" and content:
            content[start] ^= 1 << draw(st.integers(0, 7))
        elif kind == "cut":
            del content[start : start + length]
        elif kind == "end":
            del content[start:]
        elif kind == "put":
            content[start:start] = draw(st.binary(min_size=1, max_size=16))
        elif kind == "twice":
            content[start:start] = content[start : start + length]
        elif kind == "zero":
            content[start : start + length] = bytes(len(content[start : start + length]))
        elif kind == "number":
            # Lengths and offsets are such: as large as they can be, or nearly.
            content[start : start + 4] = draw(st.sampled_from([b"\xff" * 4, b"\xff\xff\xff\x7f"]))
    return bytes(content)
