"""How generated input is tried: little of it in the suite and always the same, much in the soak.

Whatever a command is given, it takes it by a right meaning, or refuses it: one line on standard
error, exit code 2, and nothing changed on the disk.
"""

import hashlib
import os
import secrets
from collections import Counter

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings

SUITE, SOAK = 20, 400
"""Examples of each of the five tests: 100 and 2,000 in all."""

COUNTS = [
    pytest.param(SUITE, id="few"),
    pytest.param(SOAK, id="many", marks=pytest.mark.soak),
]

SEED = "MIA_DUAL_SOAK_SEED"
"""Names the seed of the soak's examples, to see those of an earlier one again."""


def try_examples(holds, strategy, count, figures, known=()):
    """Have ``holds`` look at ``known`` examples and ``count`` of a ``strategy``.

    ``holds`` returns in a word what became of the example, which ``figures`` are told.
    """
    outcomes = Counter()

    def look(one):
        outcomes[holds(one)] += 1

    few = count <= SUITE
    tried = settings(
        max_examples=count,
        derandomize=few,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        # Of few it matters more that they end soon than that they are small.
        phases=[Phase.explicit, Phase.generate] + ([] if few else [Phase.shrink]),
        print_blob=True,
    )(given(strategy)(look))
    for one in known:
        tried = example(one)(tried)
    if not few:
        seed = int(os.environ.get(SEED) or secrets.randbits(32))
        tried = hypothesis.seed(seed)(tried)
        figures(seed=seed)
    tried()
    figures(examples=sum(outcomes.values()), **dict(sorted(outcomes.items())))
    return outcomes


def outcome(done, also=()):
    """What became of a command that is ``done``: ``accepted`` or ``refused``.

    ``also``: other exit codes than 0 by which it may say what it found.
    """
    told = f"{done.args}\n{done.stdout}{done.stderr}"
    assert "Traceback" not in done.stderr, told
    if done.returncode != 2:
        assert done.returncode in (0, *also), told
        return "accepted"
    lines = done.stderr.splitlines()
    assert len(lines) == 1, told
    assert lines[0].startswith("mia-dual: "), told
    assert lines[0].isprintable(), told
    assert len(lines[0]) < 2100, told
    assert done.stdout == "", told
    return "refused"


def contents(folder):
    """A digest of every file below ``folder``, by its place there; of folders None.

    Locks stay where they were taken, and hold nothing.
    """
    return {
        str(path.relative_to(folder)): _digest(path)
        for path in folder.rglob("*")
        if path.name != ".lock"
    }


def _digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
