import pytest

from mia_dual.errors import ConfigError, RankError
from mia_dual.xihe.arguments import DEFAULT_LIMIT, is_setting, read_arguments
from mia_dual.xihe.board import Rank


@pytest.mark.parametrize(
    ("words", "output", "records"),
    [
        (["--output_path=/o", "--aim_repo=/a"], "/o", "/a"),
        (["--output_path", "/o", "--aim_repo", "/a"], "/o", "/a"),
        (["--output_url=/o", "--aimrepo_url", "/a"], "/o", "/a"),
        (["--output_url=/old", "--output_path=/o"], "/o", None),
        (["--output_path=/first", "--output_path=/o"], "/o", None),
        (["--output_path=", "--output_url=/o"], "/o", None),
        (["--output_path", "--aim_repo=/a"], None, "/a"),
        (["output_path=/o", "-o", "/o", "--"], None, None),
    ],
)
def test_both_forms_and_both_generations_of_names_are_read(words, output, records):
    arguments = read_arguments(words)
    assert (arguments.output, arguments.records) == (output, records)


def test_settings_are_told_from_what_else_there_is():
    arguments = read_arguments(
        ["--target.epochs=3", "--seed", "-1", "--data.name=mnist", "--target=x", "--data", "/d",
         "--data_url=/d=e", "--flag", "--deletion.ratios=[0.1, 0.2]", "--target.options.depth=5"]
    )  # fmt: skip
    assert arguments.settings == (
        "target.epochs=3", "seed=-1", "data.name=mnist", "deletion.ratios=[0.1, 0.2]",
        "target.options.depth=5",
    )  # fmt: skip
    assert arguments.others == {"target": "x", "data": "/d", "data_url": "/d=e"}
    assert arguments.data_name == "mnist"
    assert (arguments.limit, arguments.config) == (DEFAULT_LIMIT, None)


@pytest.mark.parametrize("key", ["", ".", "target", "target.", "target.epoch", "seed.x", "epochs"])
def test_only_names_of_values_are_settings(key):
    assert not is_setting(key)


@pytest.mark.parametrize("limit", ["soon", "0", "-1", "nan", "inf"])
def test_a_time_limit_is_a_number_of_seconds(limit):
    with pytest.raises(ConfigError, match=f"--rank_timeout='{limit}' is no time"):
        read_arguments([f"--rank_timeout={limit}"])
    assert read_arguments(["--rank_timeout", "2.5"]).limit == 2.5


def test_ranks_are_read_from_the_environment():
    assert Rank.of({}) == Rank(0, 1)
    assert Rank.of({"RANK_ID": "3", "RANK_SIZE": "8"}) == Rank(3, 8)
    assert Rank.of({"RANK_ID": "", "RANK_SIZE": ""}) == Rank(0, 1)


@pytest.mark.parametrize(("number", "size"), [("2", "2"), ("-1", "2"), ("a", "2"), ("1", "")])
def test_ranks_that_make_no_sense_are_refused(number, size):
    with pytest.raises(RankError, match="make no sense"):
        Rank.of({"RANK_ID": number, "RANK_SIZE": size})
