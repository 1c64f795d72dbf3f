"""What is asked to be deleted: always from the original members, never one upon another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mia_dual.config import Config
from mia_dual.errors import ConfigError, DataError
from mia_dual.seeds import generator


@dataclass(frozen=True)
class Request:
    """``deleted`` (the forget set) and ``retained`` (the retain set): sorted record indices that
    make up the target's members.
    """

    name: str
    deleted: np.ndarray
    retained: np.ndarray

    @property
    def slug(self) -> str:
        """The name as part of a file's."""
        return self.name.replace("%", "pct")

    @property
    def ratio(self) -> float:
        """Deleted share of the members."""
        return len(self.deleted) / (len(self.deleted) + len(self.retained))


def draw_requests(
    config: Config, members: np.ndarray, labels: np.ndarray, groups: Sequence[np.ndarray]
) -> list[Request]:
    """The requests of ``config.deletion``: each ratio, then the file of indices, then classes.

    ``labels`` are those of all records; ``groups`` says which members are trained together.
    Raises ConfigError or DataError naming what cannot be deleted.
    """
    wanted = config.deletion
    requests = [
        _request(f"{ratio * 100:g}%", _draw(config, ratio, members, groups), members)
        for ratio in wanted.ratios
    ]
    if wanted.indices is not None:
        deleted = _from_file(wanted.indices, members)
        requests.append(_request("indices", deleted, members))
    if wanted.classes:
        deleted = members[np.isin(labels[members], wanted.classes)]
        for label in wanted.classes:
            if label not in labels[deleted]:
                raise ConfigError(
                    f"deletion.classes: the target has no member of class {label}: "
                    f"its classes are 0 to {labels.max()}"
                )
        requests.append(_request("classes", deleted, members))
    return requests


def _draw(
    config: Config, ratio: float, members: np.ndarray, groups: Sequence[np.ndarray]
) -> np.ndarray:
    rng = generator(config.seed, "deletion", f"{ratio:g}")
    count = max(round(ratio * len(members)), 1)
    if config.deletion.placement == "uniform":
        return rng.choice(members, count, replace=False)
    # Whole groups first, so that the fewest are touched; the last one gives what is left to give.
    in_turn = [rng.permutation(groups[number]) for number in rng.permutation(len(groups))]
    return np.concatenate(in_turn)[:count]


def _from_file(file: Path, members: np.ndarray) -> np.ndarray:
    try:
        lines = file.read_text(encoding="utf-8").split()
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(
            f"deletion.indices: '{file}' cannot be read: give a text file of record indices, "
            "one a line"
        ) from error
    known = set(members.tolist())
    chosen: set[int] = set()
    for text in lines:
        if not text.isdecimal():
            raise DataError(f"deletion.indices: '{text}' in '{file}' is no record index")
        if int(text) not in known:
            raise DataError(
                f"deletion.indices: record {text} in '{file}' is no member of the target "
                "(splits.npz lists the members)"
            )
        chosen.add(int(text))
    if not chosen:
        raise DataError(f"deletion.indices: '{file}' names no record")
    return np.array(sorted(chosen), np.int64)


def _request(name: str, deleted: np.ndarray, members: np.ndarray) -> Request:
    retained = np.setdiff1d(members, deleted)
    if not len(retained):
        raise ConfigError(f"deletion of {name} would leave the target no members: delete fewer")
    return Request(name, np.sort(deleted), retained)
