"""Settings: where they come from, and what is said of bad ones."""

import json
import os
from pathlib import Path

import hypothesis.strategies as st
import pytest
import yaml
from hypothesis import given, settings

from mia_dual.attack_settings import AttackSettings
from mia_dual.config import Config, load_config
from mia_dual.errors import ConfigError
from mia_dual.yaml_file import read_yaml

CONFIGS = sorted(
    file
    for file in (Path(__file__).parents[2] / "configs").rglob("*.yaml")
    if file.parent.name != "studies"
)
LONGEST = 700
"""Characters of a ConfigError: a few values cut to 80, and the keys that a place knows."""


def test_file_then_assignments_then_options(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("seed: 1\ntarget: {epochs: 3, batch_size: 7}\n")
    config = load_config(file, ["target.epochs=5", "deletion.ratios=[0.2]"], {"seed": 9})
    assert (config.seed, config.target.epochs, config.target.batch_size) == (9, 5, 7)
    assert config.deletion.ratios == (0.2,)


def test_options_not_given_say_nothing():
    assert load_config(None, ["backend=mindspore"], {"backend": None}).backend == "mindspore"


def test_resolved_config_reads_back_as_itself():
    config = load_config(None, ["target.network=my_nets.small:make", "deletion.classes=[1]"])
    assert Config.model_validate(yaml.safe_load(config.to_yaml())) == config


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("target.epoch=3", "unknown key 'target.epoch': the keys there are network"),
        ("colour=red", "unknown key 'colour'"),
        ("target.network=alexnet", "target.network: 'alexnet'.*choose one of fcnet"),
        ("deletion.ratios=[1.5]", r"deletion.ratios: \[1.5\].*not between 0 and 1"),
        ("deletion.ratios=[0]", "not between 0 and 1"),
        ("deletion.ratios=[0.1,0.1]", "names one twice"),
        ("target.epochs=0", "target.epochs: 0 does not do"),
        ("target.epochs=three", "target.epochs: 'three'"),
        ("target.curve=-1", "target.curve: -1.*at least 0"),
        ("target.curve=1001", "target.curve: 1001.*at most 1000"),
        ("target.learning_rate=.nan", "target.learning_rate"),
        ("device=tpu", "device: 'tpu'.*'cuda'"),
        ("attack.models=[]", "attack.models"),
        ("attack.models=[svm]", "svm"),
        ("attack.fcnet.network=convnet", "its network is fcnet"),
        ("data.file=x.npz", "data.file goes with data.name: npz"),
        ("data.name=npz", "data.file goes with data.name: npz"),
        ("target", "write key=value"),
        ("seed.a.b=1", "'seed' holds a value|seed: .*does not do"),
        ("target.epochs=[", r"--set 'target.epochs=\['.*is not YAML"),
        ("target..epochs=3", "write key=value"),
        ("deletion.methods=[]", "deletion.methods.*at least 1"),
        ("attack.models=[fcnet,fcnet]", "attack.models.*names one twice.*fcnet"),
        ("deletion.classes=[true]", "deletion.classes.0: true.*whole number"),
        ("deletion.classes=[-1]", "deletion.classes.0: -1.*at least 0"),
        ("deletion.classes=3", r"deletion.classes: 3.*list, as in \[1, 2\]"),
        ("deletion.ratios=[true]", "deletion.ratios.0: true"),
        ("deletion.ratios=[.nan]", "nan is not between 0 and 1"),
        ("seed=true", "seed: true.*whole number"),
        ("seed=-1", "seed: -1.*at least 0"),
        ("seed=9223372036854775808", "seed: 9223372036854775808.*at most 9223372036854775807"),
        ("seed='3'", "seed: '3'.*whole number"),
        ("seed=1:30", "seed: '1:30'.*whole number"),
        ("seed=1_000", "seed: '1_000'.*whole number"),
        ("seed=5.0", "seed: 5.0.*without point or quotes"),
        ("seed=", "seed: null.*whole number"),
        ("target.epochs=1000000000000000000", "target.epochs: 1000000000000000000.*at most 10000"),
        ("target.hidden=1000000", "target.hidden: 1000000.*at most 65536"),
        ("data.image_size=1000000", "data.image_size: 1000000.*at most 1024"),
        ("shadows.count=1000000000", "shadows.count: 1000000000.*at most 10000"),
        ("split.shadow_members=10000000000", "split.shadow_members: 10000000000.*at most"),
        ("target.learning_rate=1e400", "target.learning_rate: inf"),
        ("target.learning_rate=-.inf", "target.learning_rate: -inf"),
        ("target.learning_rate=true", "target.learning_rate: true.*write a number"),
        ("target.learning_rate='1'", "target.learning_rate: '1'.*write a number"),
        ("target.momentum=.nan", "target.momentum: nan"),
        ("target.weight_decay=.inf", "target.weight_decay: inf"),
        ("target.decay=.nan", "target.decay: nan"),
        ("target=3", "target: 3.*keys with values"),
        ("backend=", "backend: null.*write a word"),
        ("backend=''", "backend: ''.*write a word"),
        ("backend=3", "backend: 3.*write a word"),
        ("data.name=''", "data.name: ''.*write a word"),
        ("data={name: npz, file: ''}", "data.file: ''.*write the path"),
        ("data={name: npz, file: 3}", "data.file: 3.*write the path"),
        ('data={name: npz, file: "a\\0b"}', r"data.file: 'a\\x00b'.*control character"),
        ('deletion.indices="a\\0b"', r"deletion.indices: 'a\\x00b'.*control character"),
        ('backend="\\e[2J"', r"backend: '\\x1b\[2J'.*control character"),
        ('backend="\\ud800"', "backend: .*half code point"),
    ],
)
def test_bad_settings_are_named(assignment, message):
    assert_refused(message, None, [assignment])


def assert_refused(message, *arguments):
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(*arguments)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < LONGEST


BAD_YAML = [
    ("epochs: !!int abc", "tags such as '!!int' are not read"),
    ("epochs: !!float", "tags such as '!!float' are not read"),
    ("epochs: !!bool maybe", "tags such as '!!bool' are not read"),
    ("epochs: !!timestamp 2020-13-40", "tags such as '!!timestamp' are not read"),
    ("epochs: !!python/object/apply:os.getcwd []", "tags such as .* are not read"),
    ("epochs: ! 3", "tags such as '!' are not read"),
    ("epochs: 2020-13-40", "target.epochs: '2020-13-40' does not do"),
    ("epochs: 2020-12-31", "target.epochs: '2020-12-31' does not do"),
    ("epochs: 1:30", "target.epochs: '1:30' does not do"),
    ("epochs: true", "target.epochs: true does not do"),
    (f"epochs: {'9' * 5000}", "an integer of 5,000 characters"),
    (f"epochs: 0x{'f' * 5000}", "an integer of 5,002 characters"),
    (f"epochs: {'[' * 20000}{']' * 20000}", "nested more than 10 deep"),
    (f"epochs: {'{a: ' * 5000}1{'}' * 5000}", "nested more than 10 deep"),
    (f"network: {'x' * 20000}", r"target.network: 'x+\.\.\.' does not do"),
    (f"? {'x' * 20000}\n: 1", r"unknown key 'target.x+ \.\.\. x+'"),
    (f"epochs: [{'1, ' * 10000}]", r"target.epochs: \[1, .*\.\.\. does not do"),
    ("epochs: &a 3", "anchors and aliases"),
    ("epochs: *a", "anchors and aliases"),
    ("{epochs: 3, epochs: 4}", "target.epochs: it stands twice|it stands twice: keep one"),
    ("1: 3", "'1' is no name"),
    ("null: 3", "'null' is no name"),
    ("[a]: 3", "what stands left of a colon is no name"),
    ("<<: {epochs: 3}", "unknown key 'target.<<'"),
    ('network: "\\UFFFFFFFF"', "an escape or a version is out of range"),
    ("network: \x1b[2J", r"the character '\\x1b' does not stand in YAML"),
    (f"epochs: 3 {'#' * 100_000}", "longer than 65,536 characters"),
]


@pytest.mark.parametrize(("line", "message"), BAD_YAML, ids=range(len(BAD_YAML)))
def test_yaml_that_is_more_than_settings_is_refused(tmp_path, line, message):
    in_braces = line if line.startswith("{") else f"{{{line}\n}}"
    assert_refused(message, None, [f"target={in_braces}"])
    file = tmp_path / "settings.yaml"
    file.write_text(f"seed: 1\ntarget:\n  {line}\n".replace("\n:", "\n  :"))
    assert_refused(message, file)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("seed: 1\ntarget:\n  epochs: !!int abc\n", "line 3, target.epochs: tags"),
        ("seed: 1\ntarget:\n  epochs: 1\n  epochs: 2\n", "line 4, target.epochs: it stands twice"),
        ("seed: 1\nseed: 1\n", "line 2, seed: it stands twice"),
        (f"seed: 1\ntarget: {{epochs: {'9' * 5000}}}\n", "line 2, target.epochs: an integer"),
        ("deletion:\n  classes:\n  - 1\n  - *one\n", "line 4, deletion.classes.1: anchors"),
        ("seed: 1\n\tdata: x\n", "line 2: this is not YAML"),
        ("seed: 1\nbackend: \x07\n", "line 2: this is not YAML"),
        ("%YAML 1." + "9" * 5000 + "\n---\nseed: 1\n", "line 1: this is not YAML"),
        ("seed: 1\n---\nseed: 2\n", "line 2: this is not YAML"),
    ],
)
def test_a_files_line_and_key_are_named(tmp_path, text, place):
    file = tmp_path / "settings.yaml"
    file.write_text(text)
    assert_refused(place, file)


def test_an_alias_bomb_is_refused_before_it_goes_off(tmp_path):
    file = tmp_path / "bomb.yaml"
    levels = [f"a{at + 1}: &a{at + 1} [{', '.join([f'*a{at}'] * 9)}]" for at in range(9)]
    file.write_text("\n".join(["a0: &a0 [lol]", *levels]))
    assert_refused("line 1, a0: anchors and aliases", file)


def test_a_part_of_the_attacks_settings_leaves_the_rest_the_attacks():
    config = load_config(None, ["attack.fcnet.epochs=5"])
    usual = AttackSettings().fcnet
    assert (usual.hidden, usual.epochs, usual.batch_size) == (50, 30, 50)
    assert (usual.optimizer, usual.learning_rate) == ("adam", 0.001)
    assert config.attack.fcnet == usual.model_copy(update={"epochs": 5})


@pytest.mark.parametrize("file", CONFIGS, ids=lambda file: file.stem)
def test_configs_that_come_along_are_valid_and_read_back(file, tmp_path):
    config = load_config(file)
    again = tmp_path / "again.yaml"
    again.write_text(config.to_yaml())
    assert load_config(again) == config
    # Who reads a run's config with another parser finds the same.
    assert Config.model_validate(yaml.safe_load(config.to_yaml())) == config


def leaves(tree, path=()):
    """Path -> value of all that is no dict."""
    if not isinstance(tree, dict):
        return {path: tree}
    return {place: leaf for key in tree for place, leaf in leaves(tree[key], (*path, key)).items()}


VALID = [Config().model_dump(mode="json")] + [
    load_config(file).model_dump(mode="json") for file in CONFIGS
]
words = st.text(st.characters(codec="utf-8"), max_size=30) | st.sampled_from(
    ["", "yes", "1:30", "0o7", "1e3", "1_0", "null", "~", "my.nets:make", "npz", "\x1b[2J", "\0",
     "a//b/../c", "../x.npz", "\u202e", "\U0001f600.npz", "x" * 5000]
)  # fmt: skip
scalars = (
    st.none() | st.booleans() | words | st.floats() | st.integers(-2, 12) | st.integers()
    | st.sampled_from([10**18, 10**400, 2**63 - 1, 2**63, 0.05, 0.050000001, 1e-320, 5.0])
)  # fmt: skip
values = scalars | st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(words, inner, max_size=3),
    max_leaves=12,
)


def alike(value):
    """Values of the same type, many of which a setting takes."""
    if isinstance(value, list):
        return st.lists(alike(value[0]) if value else st.integers(0, 12), max_size=3)
    return {
        int: st.integers(0, 20_000) | st.sampled_from([2**16, 2**63 - 1]),
        float: st.floats(0, 1) | st.sampled_from([1, 1e30, 1e-300]),
        str: words,
    }.get(type(value), st.none() | st.integers(0, 2000))


@st.composite
def mutated(draw):
    """A valid config, some of whose keys hold something else, or are others."""
    tree = json.loads(json.dumps(draw(st.sampled_from(VALID))))
    held = leaves(tree)
    for path in draw(st.lists(st.sampled_from(sorted(held)), min_size=1, max_size=2)):
        if draw(st.integers(0, 3)):
            put(tree, path, draw(alike(held[path])))
        elif draw(st.integers(0, 3)):
            put(tree, path[: draw(st.integers(1, len(path)))], draw(values))
        else:
            put(tree, (*path[:-1], draw(words)), draw(values))
    return tree


def put(tree, path, value):
    for part in path[:-1]:
        if not isinstance(tree.get(part), dict):
            return
        tree = tree[part]
    tree[path[-1]] = value


@settings(max_examples=300, deadline=None)
@given(mutated())
def test_any_config_means_what_it_says_or_is_refused_in_a_line(tmp_path_factory, tree):
    file = tmp_path_factory.mktemp("mutated") / "settings.yaml"
    # JSON is YAML, and is written by other hands than ours; but it has no infinity.
    text = json.dumps(tree, ensure_ascii=False)
    text = text.replace("Infinity", ".inf").replace("NaN", ".nan")
    file.write_text(text, encoding="utf-8")
    config, refusal = None, ""
    try:
        config = load_config(file)
    except ConfigError as error:
        refusal = str(error)
    if config is None:
        assert refusal.isprintable()
        assert 0 < len(refusal) < LONGEST
        return
    found = leaves(config.model_dump(mode="json"))
    for path, value in leaves(tree).items():
        if path in (("data", "file"), ("deletion", "indices")) and value is not None:
            value = str(Path(value))
        assert found[path] == value
        assert isinstance(found[path], bool) == isinstance(value, bool)
        assert isinstance(found[path], str) == isinstance(value, str)
    assert_reads_back(config)


def assert_reads_back(config):
    text = config.to_yaml()
    text.encode()
    assert Config.model_validate(read_yaml(text)) == config


paths = st.none() | st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S", "Z")),
                            min_size=1, max_size=60).map(Path)  # fmt: skip
names = words.filter(lambda text: text.isprintable() and 0 < len(text) <= 200)


@settings(max_examples=200, deadline=None)
@given(
    names,
    st.integers(0, 2**63 - 1),
    paths,
    st.lists(st.floats(0, 1, exclude_min=True, exclude_max=True), unique=True, max_size=5),
    st.lists(st.integers(0, 10**6), unique=True, max_size=5),
    st.floats(0, 1e30, exclude_min=True),
)
def test_every_config_reads_back_as_itself(backend, seed, indices, ratios, classes, rate):
    deletion = {"ratios": ratios, "classes": classes, "indices": indices}
    config = Config.model_validate(
        {"backend": backend, "seed": seed, "deletion": deletion, "target": {"learning_rate": rate}}
    )
    assert_reads_back(config)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), (b"- 1\n", "holds no keys"), (b"a: [", "is not YAML"),
     (b"", "holds no keys"), (b"seed: 1\na: \xff\xfe", "line 2: it is no UTF-8")],
)  # fmt: skip
def test_bad_files_are_named(tmp_path, content, message):
    file = tmp_path / "settings.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(file)
    assert str(file) in str(caught.value)


def test_what_is_no_file_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for place in (tmp_path / "pipe", tmp_path, Path("/dev/zero")):
        assert_refused(f"'{place}' cannot be read: it is no regular file", place)
