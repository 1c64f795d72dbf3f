"""Questions come in as few calls as memory allows."""

from types import SimpleNamespace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from mia_dual.answers import FLOATS_A_CALL, calls
from mia_dual.training.trainer import Trained

SIZES = st.integers(0, 3_000_000), st.integers(1, 400_000_000)


@given(st.lists(st.tuples(*SIZES), max_size=20), st.integers(2, 100))
def test_a_call_holds_no_more_logits_and_weights_than_it_may(sizes, classes):
    # An array of that length that takes no memory.
    asked = {str(name): np.broadcast_to(np.int64(0), rows) for name, (rows, _) in enumerate(sizes)}
    models = {
        str(name): Trained(SimpleNamespace(bytes=size), 1) for name, (_, size) in enumerate(sizes)
    }
    found = calls(list(models), asked, classes, models)
    assert sorted(name for names in found for name in names) == sorted(models)
    for names in found:
        most = max(len(asked[name]) for name in names) * classes
        largest = sum(models[name].entry.bytes // 4 for name in names)
        assert len(names) == 1 or len(names) * most + largest <= FLOATS_A_CALL
