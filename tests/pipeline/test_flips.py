"""A bit flipped in any stored file of a run is found, never used, and made right where it can be.

``tests/soak/test_faults.py`` flips many.
"""

import pytest

from mia_dual.data.load import load_dataset
from mia_dual.seeds import generator
from tests.flips import CHECKSUMMED, DERIVED, INPUTS, FlippedRun, contents, refusal
from tests.numpy_backend import NumpyEngine


@pytest.fixture(scope="module")
def flipped(deleted_run, tmp_path_factory):
    return FlippedRun(deleted_run, tmp_path_factory.mktemp("flips"), load_dataset("digits"))


def test_what_a_run_can_make_is_made_again(flipped):
    rng = generator(14, "flips")
    flipped.reset()
    before = contents(flipped.run)
    kinds = [kind for kind in (*CHECKSUMMED, *DERIVED, "index.jsonl") if kind in flipped.kinds]
    assert len(kinds) == 14
    flips = {kind: flipped.flip(kind, rng) for kind in kinds}
    told = ", ".join(f"{told}" for _, _, told in flips.values())
    found = flipped.damaged()
    assert len(found) == 5, f"{told}: {found}"
    assert set(flipped.go_on()) <= set(found)
    for kind in (*DERIVED, "object answers", "object model", "object scores"):
        file, whole, told = flips[kind]
        assert file.read_bytes() == whole, told
    assert contents(flipped.run) == before
    flipped.verified()


@pytest.mark.parametrize("kind", [kind for kind in INPUTS if kind != "certificate.sig"])
def test_what_cannot_be_made_again_is_refused(flipped, kind):
    flipped.reset()
    _, _, told = flipped.flip(kind, generator(15, kind))
    line = refusal(flipped.verified)
    assert line, told
    assert "\n" not in line


def test_a_record_of_the_environment_that_was_changed_is_not_believed():
    record = NumpyEngine().record()
    changed = {**record, "environment": {**record["environment"], "version": "3"}}
    for told, believed in ((record, True), (changed, False), ({**changed, "checksum": "0"}, False)):
        engine = NumpyEngine()
        engine.recall(told)
        assert engine.is_known == believed
        assert engine.environment == record["environment"]
