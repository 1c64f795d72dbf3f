"""The types of settings: strict, and bounded where more would only fail later.

A truth is no number, text is no number, and 5.0 is no integer; an integer is a float, too. The
upper bounds are far beyond any audit, and low enough that arithmetic on them stays in 64 bits.
"""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints


def _printable(text: str) -> str:
    for letter in text:
        if unicodedata.category(letter) in ("Cc", "Cs"):
            raise ValueError(f"remove the control character or half code point {letter!r}")
    return text


def _path(value: Any) -> Any:
    text = str(value) if isinstance(value, Path) else value
    if not isinstance(text, str) or not text:
        raise ValueError("write the path of a file, as text")
    if len(text) > _LONGEST_PATH:
        raise ValueError(f"a path has at most {_LONGEST_PATH} characters")
    return _printable(text)


_LONGEST_PATH = 4096

Name = Annotated[
    str, StringConstraints(strict=True, min_length=1, max_length=200), AfterValidator(_printable)
]
"""A word that names something, of 1 to 200 characters."""

FilePath = Annotated[Path, BeforeValidator(_path)]
"""A path of 1 to 4,096 characters, relative to where the command runs."""

Seed = Annotated[int, Field(strict=True, ge=0, le=2**63 - 1)]
"""NumPy takes any natural number; frameworks and files take 63 bits."""

Records = Annotated[int, Field(strict=True, ge=1, le=10**9)]
"""A number of records."""

Side = Annotated[int, Field(strict=True, ge=1, le=1024)]
"""An image's side in pixels."""

Width = Annotated[int, Field(strict=True, ge=1, le=2**16)]
"""A number of hidden units."""

Epochs = Annotated[int, Field(strict=True, ge=1, le=10_000)]
"""A number of passes over the members."""

Points = Annotated[int, Field(strict=True, ge=0, le=1000)]
"""A number of points of a curve; 0: none."""

Models = Annotated[int, Field(strict=True, ge=1, le=10_000)]
"""A number of models of one kind."""

ClassLabel = Annotated[int, Field(strict=True, ge=0, le=10**6)]
"""A class, counted from 0."""

Classes = Annotated[int, Field(strict=True, ge=2, le=10**6)]
"""A number of classes."""

Rate = Annotated[float, Field(strict=True, gt=0, le=1e30)]
"""A step length that float32 can say; what is too long diverges, and the run says so."""

Penalty = Annotated[float, Field(strict=True, ge=0, le=1e30)]
"""A factor of weights added to their gradients."""

Fraction = Annotated[float, Field(strict=True, ge=0, lt=1)]
"""From 0 to below 1."""

Factor = Annotated[float, Field(strict=True, gt=0, le=1)]
"""From above 0 to 1."""

Share = Annotated[float, Field(strict=True, ge=0, le=1)]
"""From 0 to 1, both of them included."""

Count = Annotated[int, Field(strict=True, ge=1, le=10**6)]
"""A number of features, queries or tries."""

Flag = Annotated[bool, Field(strict=True)]
"""true or false, no number and no word."""

Ratio = Annotated[float, Field(strict=True)]
"""A share; what lies outside of 0 and 1 is refused with a word on per cent."""
