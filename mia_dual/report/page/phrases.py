"""What the page says, in one language: every sentence is in ``words/<language>.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Optional

from mia_dual.errors import ConfigError
from mia_dual.quoting import quoted
from mia_dual.report.names import method_in_words, place_in_words, request_in_words
from mia_dual.yaml_file import read_yaml

LANGUAGES = {"en": "en", "zh": "zh-Hans"}
"""Each language's name on the command line, and as HTML names it."""


def check_language(language: str) -> None:
    """Raise ConfigError for a ``language`` that there is not."""
    if language not in LANGUAGES:
        raise ConfigError(f"language {quoted(language)} is unknown: choose {', '.join(LANGUAGES)}")


@cache
def read_words(language: str) -> Mapping[str, str]:
    """The texts of ``language`` by key; raises ConfigError for one that there is not."""
    check_language(language)
    file = files("mia_dual.report.page") / "words" / f"{language}.yaml"
    return MappingProxyType(read_yaml(file.read_text(encoding="utf-8")))


class Phrases:
    """The words of one language as sentences and numbers."""

    def __init__(self, words: Mapping[str, str]) -> None:
        self.words = words

    def __call__(self, key: str, **values: Any) -> str:
        """The text of ``key`` with ``values`` in its places."""
        return self.words[key].format(**values)

    def number(self, value: Optional[float], digits: int = 3) -> str:
        """``value`` to ``digits`` places; a dash for what is not known."""
        return self("page.none") if value is None else f"{value:.{digits}f}"

    def share(self, value: Optional[float]) -> str:
        """``value`` in per cent, to a tenth; a dash for what is not known."""
        return self("page.none") if value is None else f"{value:.1%}"

    def rate(self, value: float) -> str:
        """A rate that was chosen, in per cent without places that say nothing."""
        return f"{value:.6%}".rstrip("%").rstrip("0").rstrip(".") + "%"

    def ends(self, interval: Optional[tuple[float, float]], shares: bool = False) -> str:
        """The ends of an interval, as shares or numbers; a dash where there is none."""
        if interval is None:
            return self("page.none")
        low, high = map(self.share if shares else self.number, interval)
        return self("page.to", low=low, high=high)

    def change(self, before: Optional[float], after: Optional[float]) -> str:
        """A figure before and after a deletion."""
        return self("page.change", before=self.number(before), after=self.number(after))

    def joined(self, names: list[str]) -> str:
        """``names`` as a list in one line."""
        return self("page.and").join(names)

    def value(self, value: Any) -> str:
        """A setting, or another value that is shown as it is written; a dash for none."""
        if value is None or value == [] or value == ():
            return self("page.none")
        if isinstance(value, bool):
            return self("page.true" if value else "page.false")
        if isinstance(value, (list, tuple)):
            return self.joined([self.value(one) for one in value])
        return str(value)

    def request(self, name: str) -> str:
        """A request to delete by its name in results or a ledger."""
        return request_in_words(name, self.words)

    def method(self, name: str) -> str:
        """A way of treating a request."""
        return method_in_words(name, self.words)

    def place(self, name: str) -> str:
        """Where a comparison measured."""
        return place_in_words(name, self.words)

    def attack(self, name: str) -> str:
        """What the attack of that name looks at."""
        for key in (f"attack.{name}", f"attack.{name.partition('_')[0]}_"):
            if key in self.words:
                return self(key)
        return self("attack.other")
