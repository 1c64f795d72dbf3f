"""A factory's source is its module's and that of the local modules it imports."""

import sys

import pytest

from mia_dual.errors import NetworkError
from mia_dual.store.files import checksum
from mia_dual.store.keys import key_of
from mia_dual.store.source import factory_source

FILES = {
    "nets_a/__init__.py": "",
    "nets_a/small.py": "import numpy\nfrom . import layers\nfrom .deep.blocks import Block\n"
    "import nets_b\ndef make(shape, classes): ...\n",
    "nets_a/layers.py": "WIDTH = 3\n",
    "nets_a/deep/__init__.py": "",
    "nets_a/deep/blocks.py": "from ..layers import WIDTH\nBlock = None\n",
    "nets_a/unrelated.py": "x = 1\n",
    "nets_b.py": "import nets_a.small\n",
}


@pytest.fixture
def nets(tmp_path, monkeypatch):
    for name, content in FILES.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    for module in [name for name in sys.modules if name.startswith("nets_")]:
        monkeypatch.delitem(sys.modules, module)
    return tmp_path


@pytest.mark.parametrize(
    "name", ["nets_a/small.py", "nets_a/layers.py", "nets_a/deep/blocks.py", "nets_b.py"]
)
def test_a_change_of_what_it_imports_is_another_source(nets, name):
    before = factory_source("nets_a.small:make")
    assert factory_source("nets_a.small:make") == before
    (nets / name).write_text(FILES[name] + "# changed\n")
    assert factory_source("nets_a.small:make") != before


def test_a_change_of_what_it_does_not_import_is_not(nets):
    before = factory_source("nets_a.small:make")
    (nets / "nets_a" / "unrelated.py").write_text("x = 2\n")
    assert factory_source("nets_a.small:make") == before


def test_source_that_is_no_python_still_has_a_digest(nets):
    (nets / "nets_b.py").write_text("def (:\n")
    assert factory_source("nets_b:make") != factory_source("nets_a.small:make")


@pytest.mark.parametrize("network", ["no_such:make", "no.such.module:make", "math:sqrt"])
def test_a_module_without_a_local_source_is_named(network):
    with pytest.raises(NetworkError, match=rf"'{network}' cannot be imported"):
        factory_source(network)


def test_this_package_is_no_part_of_it(nets):
    (nets / "nets_b.py").write_text("import mia_dual\nfrom mia_dual.networks import NETWORKS\n")
    assert factory_source("nets_b:make") == key_of(
        {"nets_b": checksum((nets / "nets_b.py").read_bytes())}
    )


def test_a_package_that_breaks_when_it_is_looked_into_is_left_to_its_import(nets):
    (nets / "nets_broken").mkdir()
    (nets / "nets_broken" / "__init__.py").write_text("assert False\n")
    (nets / "nets_b.py").write_text("import nets_broken.part\n")
    assert factory_source("nets_b:make")
