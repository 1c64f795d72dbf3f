"""Configs of all kinds: a dry run says what they take, or what is wrong with them in a line."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import strategies as st

from mia_dual.config import checked, load_config
from mia_dual.measure import forecast
from mia_dual.yaml_file import write_yaml
from tests.command_line import called_here
from tests.soak.generated import COUNTS, SUITE, contents, outcome, try_examples
from tests.soak.mutations import changed, damaged

FILES = ("quick", "lira", "every_attack", "forgetting", "synthesis")
"""Configs on digits."""

SMALL = {
    "data.name": "digits", "data.classes": None, "data.records": None,
    "target.network": "fcnet", "target.hidden": 4, "target.epochs": 2,
    "split.target_members": 60, "split.target_non_members": 60, "split.shadow_members": 60,
    "split.shadow_non_members": None, "shadows.count": 2,
}  # fmt: skip

SNIPPETS = [
    "&a ", "*a", "!!python/object/apply:os.system [x]", "!!int ", "!<tag:yaml.org,2002:set> ",
    "<<: {a: 1}\n", "<<: *a\n", "? ", "- ", "\n\t", "\n---\n", "\n...\n", "%YAML 9.9\n---\n", "'",
    '"\\UFFFFFFFF"', '"\\ud800"', "\x00", "\u2028", "\ufeff", "[" * 50, "{a: " * 50, "# ", "|\n",
    "seed: 1\n", "data: {}\n", "0x" + "f" * 30, "9" * 5000, ".nan", "-.inf", "0o7", "1:30",
]  # fmt: skip


def _small(config):
    """The whole of ``config``, every key, as little as a dry run can take."""
    tree = json.loads(json.dumps(config.model_dump(mode="json")))
    for key, value in SMALL.items():
        part, name = key.split(".")
        tree[part][name] = value
    return json.loads(checked(tree).model_dump_json())


def _configs():
    folder = Path(__file__).parents[2] / "configs"
    return [_small(load_config(folder / f"{name}.yaml")) for name in FILES] + [
        _small(load_config(None))
    ]


@st.composite
def _texts(draw, trees):
    """The bytes of a config's file."""
    tree = draw(st.sampled_from(trees))
    kind = draw(st.sampled_from(["values"] * 5 + ["text", "bytes", "coded"]))
    if kind == "values":
        tree = draw(changed(tree, most=2))
    text = write_yaml(tree) if draw(st.booleans()) else yaml.safe_dump(tree, allow_unicode=True)
    if kind == "text":
        lines = text.splitlines(keepends=True)
        for _ in range(draw(st.integers(1, 3))):
            line = draw(st.integers(0, len(lines) - 1))
            lines[line] = draw(
                st.sampled_from([lines[line] * 2, "", lines[line][2:], "  " + lines[line]])
                | st.sampled_from(SNIPPETS).map(lines[line].replace(": ", ": ", 1).__add__)
                | st.sampled_from(SNIPPETS).map(
                    lambda put, line=line: lines[line].replace(": ", f": {put}", 1)
                )
            )
        text = "".join(lines)
    content = text.encode("utf-8", "surrogatepass")
    if kind == "bytes":
        return draw(damaged(content))
    if kind == "coded":
        return draw(
            st.sampled_from([text.encode(code) for code in ("utf-16", "utf-32", "utf-8-sig")])
            | st.sampled_from([b"", b"\n", b"\x00", b"\xff" * 9, content * 30])
        )
    return content


@pytest.mark.parametrize("count", COUNTS)
def test_a_config_is_taken_as_it_says_or_refused(count, tmp_path, figures, monkeypatch):
    # The shortest measurement says as much of a config as one of a second.
    monkeypatch.setattr(forecast, "LONGEST", 0.0)
    monkeypatch.setattr(forecast, "WARM_STEPS", 1)
    trees = _configs()
    place = tmp_path / "outer" / "inner"
    place.mkdir(parents=True)
    file = place / "settings.yaml"
    store = {"MIA_DUAL_STORE": str(place / "store")}

    def holds(content):
        file.write_bytes(content)
        before = contents(tmp_path)
        done = called_here(["run", "--dry-run", "--json", "-c", file.name], place, store)
        assert contents(tmp_path) == before
        if outcome(done) == "refused":
            return "refused"
        config = load_config(file)
        again = place / "again.yaml"
        again.write_text(config.to_yaml(), encoding="utf-8")
        assert load_config(again) == config
        again.unlink()
        told = json.loads(done.stdout, parse_constant=_refuse)
        models = {role["role"]: role["models"] for role in told["roles"]}
        assert models["target"] == config.targets
        assert models.get("shadow", 0) in (0, config.shadows.count)
        assert told["disk"] > 0
        return "accepted"

    known = [write_yaml(tree).encode() for tree in (trees if count > SUITE else trees[-1:])]
    outcomes = try_examples(holds, _texts(trees), count, figures, known)
    assert min(outcomes["accepted"], outcomes["refused"]) > 0


def _refuse(constant):
    raise AssertionError(f"{constant} is no JSON")
