"""The processes that MindSpore computes in: on a CPU always, and on several cards.

It runs one graph at a time in a process, and gains little from a second thread on networks of this
size (benchmarks/README.md). So on a CPU each has one core, one thread and the same instruction set,
and bits never depend on where a model was trained. A process that saw two cores when it first
computed would split a product between them, in the middle of a model where their number is odd;
and each graph is handed to a thread that spins until it is done, so that two processes that share
two cores take twice as long.
"""

from __future__ import annotations

from functools import cache

from mia_dual.processes.crew import Crew, Trade
from mia_dual_mindspore.environment import settings

TRADE = Trade("mindspore", "mia_dual_mindspore.workshop:begin", "ascend", settings, stays=True)

CREW = Crew(TRADE)
"""Of this process: every backend made in it works with the same."""


@cache
def crew_of(cards: tuple[int, ...]) -> Crew:
    """The same, on ``cards``."""
    return Crew(TRADE, cards)
