"""Names in results that say something (requests, places, what attacks lack), in a language's words.

A name that is in none of these forms stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mia_dual.attacks.base import Need

Words = Mapping[str, str]
"""Texts of one language by key; in braces stands what is filled in."""

REQUESTS = (
    ("request.ratio", re.compile(r"(?P<percent>\S+)%")),
    ("request.draw", re.compile(r"(?P<percent>\S+)% draw (?P<number>\d+)")),
    ("request.outliers", re.compile(r"(?P<percent>\S+)% outliers")),
    ("request.typical", re.compile(r"(?P<percent>\S+)% typical")),
    ("request.mislabelled", re.compile(r"(?P<percent>\S+)% mislabelled")),
    ("request.exposed", re.compile(r"(?P<percent>\S+)% exposed")),
    ("request.indices", re.compile("indices")),
    ("request.classes", re.compile("classes")),
    ("request.number", re.compile(r"request (?P<number>\d+)")),
    ("request.records", re.compile(r"records (?P<which>.+)")),
    ("request.file", re.compile(r"indices (?P<which>.+)")),
    ("request.share", re.compile(r"ratio (?P<which>.+)")),
    ("request.class", re.compile(r"class (?P<which>.+)")),
    ("request.group", re.compile(r"group (?P<which>.+)")),
)
"""Each form that a plan or a ledger gives a request's name, and the key of its words."""

DELETION_PLACE = re.compile(
    r"(?P<request>.+) (?P<method>\w+): (?P<side>retained|deleted), (?P<when>before|after)"
)


def request_in_words(name: str, words: Words) -> str:
    """What a request of that ``name`` asks to delete."""
    for key, form in REQUESTS:
        found = form.fullmatch(name)
        if found is not None:
            return words[key].format(**found.groupdict())
    return name


def method_in_words(method: str, words: Words) -> str:
    """What a method of treating a request does."""
    return words.get(f"method.{method}", method)


def place_in_words(place: str, words: Words) -> str:
    """The version of a target, and the records of it, that a comparison measured at."""
    found = DELETION_PLACE.fullmatch(place)
    if found is None:
        return words.get(f"place.{place}", place)
    return words[f"place.{found['side']}_{found['when']}"].format(
        request=request_in_words(found["request"], words),
        method=method_in_words(found["method"], words),
    )


def needs_in_words(reason: str, words: Words) -> list[str]:
    """What an attack lacks that did not run for ``reason``, without how to mend it."""
    return [words[f"need.{need.name.lower()}"] for need in Need if need.value in reason]
