"""Panels made block by block from what models say, so that no table has to fit into memory.

A table of 256 models, 100,000 records and 10 classes is a gigabyte of logits on disk; what an
attack sees of a block of its records is a few megabytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Callable, Optional, Protocol

import numpy as np
from joblib import cpu_count

from mia_dual.attacks.panel import Panel

Signal = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From logits (records, classes) and labels (records,) int64 to (records,) float64."""

SIGNALS_A_BLOCK = 1 << 21
"""Models times records of a block: 16 MiB of signals. More leaves the cache between the
steps of an attack, less costs calls.
"""

LOGITS_AT_ONCE = 1 << 18
"""What a signal is made of at a time: its own arrays stay small, and threads seldom wait for each
other, as they do where each call is over in a moment.
"""

WORKING_COPIES = 8
"""Arrays of a block's size that an attack may have at once, the block itself and its mask among
them: what is reckoned with when memory is short.
"""


class Logits(Protocol):
    """What one model says of the records, in their order: an array (records, classes), maybe
    memory-mapped, or whatever gives one of a slice.
    """

    def __getitem__(self, records: slice, /) -> np.ndarray:
        """Float32 or float64, (records, classes)."""
        ...


def signal_blocks(
    models: Sequence[Logits],
    labels: np.ndarray,
    signal: Signal,
    memory: Optional[int] = None,
    workers: Optional[int] = None,
) -> Iterator[tuple[slice, np.ndarray]]:
    """The ``signal`` of all ``models``, for one block of records after the other.

    ``labels`` (records,) int64. Gives the block's records and (models, records) float64, which the
    caller may keep. ``memory``: bytes that a block may take with an attack at work on it; None:
    no less than is fast. ``workers``: threads that look at models side by side (NumPy lets others
    run while it computes); None: one a core. Neither moves a signal.
    """
    step = block_length(len(models), memory)
    with ThreadPoolExecutor(workers or cpu_count()) as threads:
        for start in range(0, len(labels), step):
            records = slice(start, min(start + step, len(labels)))
            block = np.empty((len(models), records.stop - start))

            fill = partial(_fill, models, labels, signal, records, block)
            for _ in threads.map(fill, range(len(models))):
                pass
            yield records, block


def _fill(
    models: Sequence[Logits],
    labels: np.ndarray,
    signal: Signal,
    records: slice,
    block: np.ndarray,
    place: int,
) -> None:
    logits, of_block = models[place][records], labels[records]
    step = max(1, LOGITS_AT_ONCE // logits.shape[-1])
    for start in range(0, len(of_block), step):
        part = slice(start, start + step)
        block[place, part] = signal(logits[part], of_block[part])


def block_length(models: int, memory: Optional[int] = None) -> int:
    """Records of a block of so many models: one at least, however little memory there is."""
    length = SIGNALS_A_BLOCK // max(models, 1)
    if memory is not None:
        length = min(length, memory // (8 * WORKING_COPIES * max(models, 1)))
    return max(1, length)


def panels(
    target: Logits,
    references: Sequence[Logits],
    labels: np.ndarray,
    inside: np.ndarray,
    signal: Signal,
    memory: Optional[int] = None,
    workers: Optional[int] = None,
) -> Iterator[tuple[slice, Panel]]:
    """The panel of one block of records after the other, and which records those are.

    ``inside`` (references, records) bool. The rest is :func:`signal_blocks`'s. Only for an attack
    that estimates nothing over all records, whose scores of blocks are those of the whole; for
    others :func:`whole_panel`.
    """
    for records, block in signal_blocks([target, *references], labels, signal, memory, workers):
        yield records, Panel(block[0], block[1:], inside[:, records], labels[records])


def whole_panel(
    target: Logits,
    references: Sequence[Logits],
    labels: np.ndarray,
    inside: np.ndarray,
    signal: Signal,
    workers: Optional[int] = None,
) -> Panel:
    """The panel of all records: 8 bytes a model and record, where the logits are a block's alone.

    The arguments are those of :func:`panels`.
    """
    models = [target, *references]
    signals = np.empty((len(models), len(labels)))
    for records, block in signal_blocks(models, labels, signal, workers=workers):
        signals[:, records] = block
    return Panel(signals[0], signals[1:], inside, labels)
