"""What is asked to be deleted: always from the original members, never one upon another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Optional

import numpy as np

from mia_dual.config import Config
from mia_dual.deletion_settings import Choice
from mia_dual.errors import ConfigError, DataError
from mia_dual.plan.groups import fewest_groups
from mia_dual.plan.labels import mislabelled
from mia_dual.plan.splits import Membership
from mia_dual.plan.typicality import strangeness
from mia_dual.quoting import quoted
from mia_dual.seeds import generator

MOST_DIGITS = 18
"""Of an integer that a record or class could have: more may not fit an int64."""


@dataclass(frozen=True)
class Request:
    """``deleted`` (the forget set) and ``retained`` (the retain set): sorted record indices that
    make up the target's members, but for those that earlier requests of a ledger deleted.

    ``unseen``: records that were drawn as the forget set was, and are no members: sorted; None
    where it was drawn among members alone.
    """

    name: str
    deleted: np.ndarray
    retained: np.ndarray
    unseen: Optional[np.ndarray] = None

    @property
    def slug(self) -> str:
        """The name as part of a file's: letters, digits, ``.`` and ``-``, another per request."""
        return slug_of(self.name)

    @property
    def ratio(self) -> float:
        """Deleted share of the members there were."""
        return len(self.deleted) / (len(self.deleted) + len(self.retained))


@dataclass(frozen=True)
class Drawn:
    """What forget sets are drawn from, of one target: its ``membership``; ``groups`` of its
    audited members; ``labels`` (records,) int64 and ``features`` (records, ...) of all records, the
    latter looked at only where outliers or typical records go; ``exposure`` (records,) float64, NaN
    where it is not known, None before references are there: nothing is drawn by it then.
    """

    membership: Membership
    groups: Sequence[np.ndarray]
    labels: np.ndarray
    features: Optional[np.ndarray] = None
    exposure: Optional[np.ndarray] = None


def slug_of(name: str) -> str:
    """See :attr:`Request.slug`."""
    return name.replace("%", "pct").replace(" ", "-")


def draw_requests(config: Config, drawn: Drawn, *draws: str) -> list[Request]:
    """The requests of ``config.deletion``: each ratio of each choice, then the file of indices,
    then classes.

    ``draws`` names a draw beside the first target's. Raises ConfigError or DataError naming what
    cannot be deleted.
    """
    wanted, membership = config.deletion, drawn.membership
    pool = np.sort(membership.rows) if wanted.shared else membership.members
    if wanted.shared:
        draws = ()
    requests = []
    for choice in wanted.choice:
        if choice == "random":
            for number in range(1, wanted.draws + 1):
                more = (*draws, *([f"draw {number}"] if number > 1 else []))
                for ratio in wanted.ratios:
                    name = f"{_percent(ratio)}%" + (f" draw {number}" if number > 1 else "")
                    chosen = _draw(config, ratio, pool, drawn.groups, *more)
                    requests.append(_request(name, chosen, membership, wanted.shared))
        elif choice != "exposed" or drawn.exposure is not None:
            order = _order(config, choice, pool, drawn)
            for ratio in wanted.ratios:
                name = f"{_percent(ratio)}% {choice}"
                chosen = _first(choice, ratio, order, pool)
                requests.append(_request(name, chosen, membership, wanted.shared))
    if wanted.indices is not None:
        deleted = read_indices(wanted.indices, pool)
        requests.append(_request("indices", deleted, membership, wanted.shared))
    if wanted.classes:
        deleted = _of_classes(wanted.classes, pool, drawn.labels)
        requests.append(_request("classes", deleted, membership, wanted.shared))
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


def _order(config: Config, choice: Choice, pool: np.ndarray, drawn: Drawn) -> np.ndarray:
    """Records of ``pool`` in the order in which ``choice`` takes them."""
    if choice == "mislabelled":
        return mislabelled(config, pool)
    if choice == "exposed":
        assert drawn.exposure is not None
        return pool[np.argsort(-drawn.exposure[pool], kind="stable")]
    if drawn.features is None:
        raise ValueError(f"{choice} records are told by their features, which are not given")
    far = strangeness(drawn.features, drawn.labels, pool)
    return pool[np.argsort(-far if choice == "outliers" else far, kind="stable")]


def _first(choice: Choice, ratio: float, order: np.ndarray, pool: np.ndarray) -> np.ndarray:
    count = _count(ratio, pool)
    if count > len(order):
        raise ConfigError(
            f"deletion.ratios: {ratio} is {count} records, and of the {len(pool)} members "
            f"{len(order)} are {choice}: lower it, or raise data.mislabelled"
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


def _request(name: str, chosen: np.ndarray, membership: Membership, shared: bool) -> Request:
    members = membership.members
    deleted = np.intersect1d(chosen, members)
    retained = np.setdiff1d(members, deleted)
    if not len(retained):
        raise ConfigError(f"deletion of {name} would leave the target no members: delete fewer")
    if not len(deleted):
        raise ConfigError(
            f"deletion of {name} would take no member of some target: delete more records"
        )
    return Request(name, deleted, retained, np.setdiff1d(chosen, members) if shared else None)
