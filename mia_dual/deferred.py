"""Values by name that are made when they are asked for, since all at once would not fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Callable, TypeVar

Value = TypeVar("Value")


class Deferred(Mapping[str, Value]):
    """What each of ``makers`` makes, by its name; made anew each time, and not kept."""

    def __init__(self, makers: Mapping[str, Callable[[], Value]]) -> None:
        self._makers = makers

    @staticmethod
    def joined(*parts: Mapping[str, Value]) -> Deferred[Value]:
        """What all of ``parts`` hold; of several that have a name the last."""
        return Deferred({name: partial(part.__getitem__, name) for part in parts for name in part})

    def __getitem__(self, name: str) -> Value:
        return self._makers[name]()

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)

    def __contains__(self, name: object) -> bool:
        return name in self._makers
