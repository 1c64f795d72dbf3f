"""Settings: where they come from, and what is said of bad ones."""

import pytest
import yaml

from mia_dual.config import Config, load_config
from mia_dual.errors import ConfigError


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
        ("target.learning_rate=.nan", "target.learning_rate"),
        ("device=tpu", "device: 'tpu'.*'cuda'"),
        ("attack.models=[]", "attack.models"),
        ("attack.models=[svm]", "svm"),
        ("attack.fcnet.network=convnet", "its network is fcnet"),
        ("data.file=x.npz", "data.file goes with data.name: npz"),
        ("data.name=npz", "data.file goes with data.name: npz"),
        ("target", "write key=value"),
        ("seed.a.b=1", "'seed' holds a value|seed: .*does not do"),
        ("target.epochs=[", "the value is not YAML"),
    ],
)
def test_bad_settings_are_named(assignment, message):
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(None, [assignment])
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [(None, "cannot be read"), (b"- 1\n", "holds no keys"), (b"a: [", "is not YAML"),
     (b"\xff\xfe", "no UTF-8")],
)  # fmt: skip
def test_bad_files_are_named(tmp_path, content, message):
    file = tmp_path / "settings.yaml"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=message) as caught:
        load_config(file)
    assert str(file) in str(caught.value)
