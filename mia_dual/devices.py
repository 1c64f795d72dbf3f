"""What devices are called: by their kind, or one GPU by its number."""

from __future__ import annotations

import re

KINDS = ("auto", "cpu", "cuda", "ascend")

_ONE_GPU = re.compile(r"cuda:(0|[1-9][0-9]{0,3})", re.ASCII)


def known_device(name: str) -> str:
    """``name``; raises ValueError where no device is called so."""
    if name in KINDS or _ONE_GPU.fullmatch(name):
        return name
    raise ValueError("choose 'auto', 'cpu', 'cuda' (every GPU), 'cuda:1' (one) or 'ascend'")
