"""PyTorch against MindSpore by one command: they begin equal, and what parts them is little."""

from mia_dual.report.comparison import Comparison


def test_two_frameworks_are_compared_by_one_command(cli, small_config, tmp_path):
    done = cli("run", "-c", small_config, "--backend", "torch", "--backend", "mindspore")
    assert done.returncode == 0, done.stderr
    file = tmp_path / "runs" / "small-comparison.json"
    (pair,) = Comparison.model_validate_json(file.read_text()).pairs
    assert (pair.first.backend, pair.second.backend) == ("torch", "mindspore")
    assert [setting.key for setting in pair.config] == ["backend"]
    assert "framework" in {setting.key for setting in pair.environment}
    assert pair.same_split
    assert pair.equal_start
    for attack in pair.attacks:
        assert attack.verdict.found in ("same", "agree"), attack.verdict.sentence
        assert all(place.paired for place in attack.places)
        assert attack.agreement[0].spearman > 0.9
    target = next(found for found in pair.weights if found.role == "target")
    # Rounding alone parts them: by less than the weights' own size.
    assert target.median < 0.1 * target.size
    for found in pair.accuracies:
        if found.place.startswith("original"):
            assert found.accuracy.holds_zero
