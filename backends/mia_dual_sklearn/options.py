"""What can be set of a kind of model, and what is wrong with a setting that cannot be."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Optional

from mia_dual.errors import NetworkError
from mia_dual.interface import NetworkSpec, Option
from mia_dual.quoting import quoted


@dataclass(frozen=True)
class Setting:
    """A setting of scikit-learn's own name: its default, and what else it may be.

    ``number``: int or float where it may be a number, of ``least`` at least. ``words``: others it
    may be, None among them.
    """

    default: Option
    number: Optional[type] = None
    least: float = 0
    words: tuple[Optional[str], ...] = ()

    def takes(self, value: Option) -> bool:
        """Whether ``value`` is one it may be."""
        if value is None or isinstance(value, str):
            return value in self.words
        if isinstance(self.default, bool) or isinstance(value, bool):
            return isinstance(self.default, bool) and isinstance(value, bool)
        if self.number is None or (self.number is int and not isinstance(value, int)):
            return False
        return math.isfinite(value) and value >= self.least

    def __str__(self) -> str:
        if isinstance(self.default, bool):
            return "true or false"
        numbers = {int: f"a whole number from {self.least}", float: f"a number from {self.least}"}
        given = [numbers[self.number]] if self.number else []
        return " or ".join(given + ["null" if word is None else word for word in self.words])


def chosen(spec: NetworkSpec, settings: Mapping[str, Setting]) -> dict[str, Any]:
    """The value of each of ``settings`` as ``spec.options`` say, or else its default.

    Raises NetworkError naming an option that there is none of, or a value that does not do.
    """
    values = {name: setting.default for name, setting in settings.items()}
    for name, value in spec.options:
        if name not in settings:
            raise NetworkError(
                f"'{spec.name}' has no option {quoted(name)}: choose among {', '.join(settings)}"
            )
        if not settings[name].takes(value):
            raise NetworkError(
                f"option '{name}' of '{spec.name}' is {quoted(value)}: write {settings[name]}"
            )
        values[name] = value
    return values
