"""What is asked to be deleted: always from the original members, never one upon another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Optional

import numpy as np

from mia_dual.config import Config
from mia_dual.errors import ConfigError, DataError
from mia_dual.plan.groups import fewest_groups
from mia_dual.plan.labels import mislabelled
from mia_dual.plan.typicality import strangeness
from mia_dual.quoting import quoted
from mia_dual.seeds import generator

MOST_DIGITS = 18
"""Of an integer that a record or class could have: more may not fit an int64."""


@dataclass(frozen=True)
class Request:
    """``deleted`` (the forget set) and ``retained`` (the retain set): sorted record indices that
    make up the target's members, but for those that earlier requests of a ledger deleted.
    """

    name: str
    deleted: np.ndarray
    retained: np.ndarray

    @property
    def slug(self) -> str:
        """The name as part of a file's: letters, digits, ``.`` and ``-``, another per request."""
        return slug_of(self.name)

    @property
    def ratio(self) -> float:
        """Deleted share of the members there were."""
        return len(self.deleted) / (len(self.deleted) + len(self.retained))


def slug_of(name: str) -> str:
    """See :attr:`Request.slug`."""
    return name.replace("%", "pct").replace(" ", "-")


def draw_requests(
    config: Config,
    members: np.ndarray,
    labels: np.ndarray,
    groups: Sequence[np.ndarray],
    features: Optional[np.ndarray] = None,
    *draws: str,
) -> list[Request]:
    """The requests of ``config.deletion``: each ratio, then the file of indices, then classes.

    ``labels`` and ``features`` (records, ...) are those of all records, the latter looked at only
    where outliers or typical records go; ``groups`` says which members are trained together;
    ``draws`` names a draw beside the first target's. Raises ConfigError or DataError naming what
    cannot be deleted.
    """
    wanted = config.deletion
    if wanted.choice == "random":
        requests = [
            _request(f"{_percent(ratio)}%", _draw(config, ratio, members, groups, *draws), members)
            for ratio in wanted.ratios
        ]
    else:
        order = _order(config, members, labels, features)
        requests = [
            _request(
                f"{_percent(ratio)}% {wanted.choice}",
                _first(config, ratio, order, members),
                members,
            )
            for ratio in wanted.ratios
        ]
    if wanted.indices is not None:
        deleted = read_indices(wanted.indices, members)
        requests.append(_request("indices", deleted, members))
    if wanted.classes:
        deleted = _of_classes(wanted.classes, members, labels)
        requests.append(_request("classes", deleted, members))
    return requests


def _percent(ratio: float) -> str:
    """``ratio`` in per cent, exactly, so that no two ratios share a name."""
    percent = (Decimal(repr(ratio)) * 100).normalize()
    # Plain digits would fill a file's name where nearly nothing is asked for.
    return f"{percent:f}" if percent.adjusted() > -7 else str(percent)


def _draw(
    config: Config,
    ratio: float,
    members: np.ndarray,
    groups: Sequence[np.ndarray],
    *draws: str,
) -> np.ndarray:
    rng = generator(config.seed, "deletion", repr(ratio), *draws)
    count = _count(ratio, members)
    if config.deletion.placement == "uniform":
        return rng.choice(members, count, replace=False)
    hit = fewest_groups([len(group) for group in groups], count, rng)
    # Whole groups, but for the last, which gives what is left to give.
    return np.concatenate([rng.permutation(groups[number]) for number in hit])[:count]


def _order(
    config: Config, members: np.ndarray, labels: np.ndarray, features: Optional[np.ndarray]
) -> np.ndarray:
    """Members in the order in which ``config.deletion.choice`` takes them."""
    choice = config.deletion.choice
    if choice == "mislabelled":
        return mislabelled(config, members)
    if features is None:
        raise ValueError(f"{choice} records are told by their features, which are not given")
    far = strangeness(features, labels, members)
    return members[np.argsort(-far if choice == "outliers" else far, kind="stable")]


def _first(config: Config, ratio: float, order: np.ndarray, members: np.ndarray) -> np.ndarray:
    count = _count(ratio, members)
    if count > len(order):
        raise ConfigError(
            f"deletion.ratios: {ratio} is {count} records, and of the {len(members)} members "
            f"{len(order)} are {config.deletion.choice}: lower it, or raise data.mislabelled"
        )
    return order[:count]


def _count(ratio: float, members: np.ndarray) -> int:
    return max(round(ratio * len(members)), 1)


def _of_classes(wanted: Sequence[int], members: np.ndarray, labels: np.ndarray) -> np.ndarray:
    present = set(labels[members].tolist())
    for label in wanted:
        if label not in present:
            raise ConfigError(
                f"deletion.classes: the target has no member of class {label}: "
                f"its classes are {min(present)} to {max(present)}"
            )
    return members[np.isin(labels[members], wanted)]


def read_indices(file: Path, members: np.ndarray, key: str = "deletion.indices") -> np.ndarray:
    """The record indices in a text file, sorted: each of them one of ``members``.

    Raises DataError, a line that begins with ``key``, where they are not.
    """
    known = set(members.tolist())
    chosen: set[int] = set()
    for text in _words(file, key):
        if not (text.isascii() and text.isdecimal()):
            raise DataError(f"{key}: {quoted(text)} in '{file}' is no record index")
        digits = text.lstrip("0") or "0"
        if len(digits) > MOST_DIGITS or int(digits) not in known:
            raise DataError(
                f"{key}: record {quoted(digits)} in '{file}' is no member of the "
                "target (plan.npz lists the members)"
            )
        chosen.add(int(digits))
    if not chosen:
        raise DataError(f"{key}: '{file}' names no record")
    return np.array(sorted(chosen), np.int64)


def _words(file: Path, key: str) -> Iterator[str]:
    """The words of a text file, read as they are asked for. A pipe or device is no file."""
    try:
        if not file.is_file():
            raise OSError
        with file.open(encoding="utf-8-sig") as lines:
            for line in lines:
                yield from line.split()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"{key}: '{file}' cannot be read: give a text file of record indices, one a line"
        ) from error


def _request(name: str, deleted: np.ndarray, members: np.ndarray) -> Request:
    retained = np.setdiff1d(members, deleted)
    if not len(retained):
        raise ConfigError(f"deletion of {name} would leave the target no members: delete fewer")
    return Request(name, np.sort(deleted), retained)
