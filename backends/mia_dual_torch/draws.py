"""What a network draws itself (dropout and the like), and how its stream is kept its own."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Callable

import numpy as np
import torch
from torch import Tensor

_DEFAULT_GENERATOR = threading.RLock()
"""PyTorch draws from one generator for the whole process: who draws has it to itself."""

CPU = torch.device("cpu")


@contextmanager
def drawing_from(*numbers: int, device: torch.device = CPU) -> Iterator[None]:
    """All that is drawn within depends on ``numbers`` (0 and above) alone.

    Nobody else draws meanwhile, and the generators are left as they were found.
    """
    seed = int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])
    accelerators: Sequence[torch.device] = [device] if device.type == "cuda" else []
    with _DEFAULT_GENERATOR, torch.random.fork_rng(devices=accelerators):
        torch.default_generator.manual_seed(seed)
        if accelerators:
            with torch.cuda.device(device):
                torch.cuda.manual_seed(seed)
        yield


def draws(module: Callable[[Tensor], Tensor], inputs: Tensor) -> bool:
    """Whether a forward pass of ``module``, in the mode it is in, draws at random.

    The pass may move what the module holds. What is drawn on the way back alone, as by a layer
    that is computed again there, is not seen.
    """
    with drawing_from(0, device=inputs.device), torch.no_grad():
        before = _states(inputs.device)
        module(inputs)
        return any(not torch.equal(*pair) for pair in zip(before, _states(inputs.device)))


def _states(device: torch.device) -> list[Tensor]:
    found = [torch.get_rng_state()]
    if device.type == "cuda":
        found.append(torch.cuda.get_rng_state(device))
    return found
