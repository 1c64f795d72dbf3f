"""Whoever follows the quick start, and nothing else, ends on the page."""

import yaml

from tests.packaging.test_docs import ROOT, commands

PAGE = ROOT / "docs" / "quick-start.md"


def test_its_commands_in_their_order_end_on_the_page(cli, tmp_path, monkeypatch):
    """As they stand, in a folder that has the config alone; what they train is made small."""
    monkeypatch.setenv("MIA_DUAL_PAGE", "1")
    settings = yaml.safe_load((ROOT / "configs" / "quick.yaml").read_text())
    settings["target"]["epochs"] = 3
    settings["shadows"]["count"] = 2
    settings["attack"] = {"families": ["thresholds", "shadow"], "models": ["logistic_regression"]}
    (tmp_path / "configs").mkdir()
    (tmp_path / "configs" / "quick.yaml").write_text(yaml.safe_dump(settings))
    run = tmp_path / "runs" / "quick-torch"
    done, pages = [], []
    for program, *words in commands(PAGE):
        if program == "pip":
            continue
        ended = cli(*words)
        assert ended.returncode == 0, (words, ended.stderr)
        done.append(words[0])
        pages.append((run / "report.html").read_text("utf-8") if run.exists() else "")
    assert done == ["doctor", "run", "run", "report", "delete", "log", "verify"]
    assert [page[-8:].strip() for page in pages] == ["", "", *["</html>"] * 5]
    assert ['<html lang="zh' in page for page in pages] == [False, False, False, True, *[False] * 3]
    # The pictures that `report --pictures` wrote are no obstacle to what verifies the run.
    found = {file.suffix for file in (run / "report").iterdir() if file.stem == "strength"}
    assert found == {".csv", ".png", ".svg"}
