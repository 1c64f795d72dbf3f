"""What is known of a stored object, as a line of text that shows whether it was changed."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from typing import Literal, Optional, get_args

from mia_dual.store.files import checksum

Kind = Literal["model", "moments", "answers", "scores", "records"]

SUFFIX: dict[Kind, str] = {
    "model": ".safetensors",
    "moments": ".safetensors",
    "answers": ".npy",
    "scores": ".npy",
    "records": ".npz",
}


@dataclass(frozen=True)
class Entry:
    """An object: its key, kind, a name for people, its size, SHA-256, and what it took to make.

    ``model``: a network's weights. ``moments``: where the optimizer stood at those weights.
    ``answers``: logits (records, classes) float32. ``scores``: an attack's, (records,) float64.
    ``records``: made for shadows; see :mod:`mia_dual.walks.shadows`.
    ``passing``: it was kept on the way to a longer training, and goes when that has passed it.
    """

    key: str
    kind: Kind
    name: str
    bytes: int
    sha256: str
    seconds: float = 0.0
    passing: bool = False

    @property
    def file(self) -> str:
        """The name of the object's file."""
        return f"{self.key}{SUFFIX[self.kind]}"

    def encode(self) -> str:
        """One line that :meth:`decode` reads, with a checksum of its own."""
        text = json.dumps(asdict(self), sort_keys=True)
        return f"{checksum(text.encode())[:16]} {text}\n"

    @classmethod
    def decode(cls, line: str) -> Optional[Entry]:
        """The entry that ``line`` holds, or None where it is not as it was written."""
        check, _, text = line.rstrip("\n").partition(" ")
        if check != checksum(text.encode())[:16]:
            return None
        try:
            found = cls(**json.loads(text))
        except (ValueError, TypeError, RecursionError):
            return None
        return found if found._is_sound() else None

    def _is_sound(self) -> bool:
        texts = [getattr(self, field.name) for field in fields(self) if field.type == "str"]
        return (
            all(isinstance(text, str) for text in texts)
            and is_digest(self.key)
            and is_digest(self.sha256)
            and self.kind in get_args(Kind)
            and type(self.bytes) is int
            and isinstance(self.seconds, float)
            and math.isfinite(self.seconds)
            and isinstance(self.passing, bool)
        )


def is_digest(text: str) -> bool:
    """Whether ``text`` is a SHA-256 in hex, as keys are: no path hides in it."""
    return len(text) == 64 and all(letter in "0123456789abcdef" for letter in text)
