"""What a training job is given on its command line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional, get_args, get_origin

from pydantic import BaseModel

from mia_dual.config import Config
from mia_dual.errors import ConfigError
from mia_dual.quoting import quoted

OUTPUTS = ("output_path", "output_url")
"""Where results go: the platform's name for it, and the one before."""

RECORDS = ("aim_repo", "aimrepo_url")
"""Where records for Aim go, likewise."""

LIMIT = "rank_timeout"
"""Seconds without a sign of life after which a rank counts as missing."""

DEFAULT_LIMIT = 600.0


@dataclass(frozen=True)
class Arguments:
    """A job's arguments by what they are for.

    ``settings``: assignments for :func:`mia_dual.config.load_config`. ``others``: all the rest,
    by the names that the user chose; some of them may be where data lie.
    """

    output: Optional[str]
    records: Optional[str]
    config: Optional[str]
    limit: float
    settings: tuple[str, ...]
    others: Mapping[str, str]

    @property
    def data_name(self) -> Optional[str]:
        """The data set that the settings name."""
        names = [text.partition("=")[2] for text in self.settings if text.startswith("data.name=")]
        return names[0] if names else None


def read_arguments(words: Sequence[str]) -> Arguments:
    """Sort ``words``, in which ``--key=value`` and ``--key value`` mean the same.

    Of a key that stands twice the last counts; an empty value counts as none. Raises ConfigError
    for a time limit that is none.
    """
    given = _pairs(words)
    own = {*OUTPUTS, *RECORDS, LIMIT, "config"}
    others = {key: value for key, value in given.items() if key not in own}
    return Arguments(
        output=_first(given, OUTPUTS),
        records=_first(given, RECORDS),
        config=given.get("config"),
        limit=_limit(given.get(LIMIT)),
        settings=tuple(f"{key}={value}" for key, value in others.items() if is_setting(key)),
        others={key: value for key, value in others.items() if not is_setting(key)},
    )


def is_setting(key: str) -> bool:
    """Whether ``key`` is the dotted name of a setting that takes a value, as target.epochs is."""
    place: Any = Config
    for part in key.split("."):
        if not part:
            return False
        if _is_model(place):
            if part not in place.model_fields:
                return False
            place = place.model_fields[part].annotation
            # Of Optional[X] it is X that may hold keys.
            place = next(filter(_is_model, get_args(place)), place)
        elif get_origin(place) is not dict:
            return False
    return not _is_model(place)


def _is_model(place: Any) -> bool:
    return isinstance(place, type) and issubclass(place, BaseModel)


def _pairs(words: Sequence[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    left = list(words)
    while left:
        word = left.pop(0)
        if not word.startswith("--"):
            continue
        key, equals, value = word[2:].partition("=")
        if not equals and left and not left[0].startswith("--"):
            value = left.pop(0)
        if key and value:
            given[key] = value
    return given


def _first(given: Mapping[str, str], names: Sequence[str]) -> Optional[str]:
    return next((given[name] for name in names if name in given), None)


def _limit(text: Optional[str]) -> float:
    if text is None:
        return DEFAULT_LIMIT
    try:
        limit = float(text)
    except ValueError:
        limit = 0.0
    if not 0 < limit < 1e6:
        raise ConfigError(f"--{LIMIT}={quoted(text)} is no time: write seconds, as in 600")
    return limit
