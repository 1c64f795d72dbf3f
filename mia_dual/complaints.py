"""What is said of settings that do not do: one line with the key, the value and what would."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ValidationError

from mia_dual.quoting import one_line, quoted

_REMEDIES = {
    "int_type": "write a whole number, without point or quotes",
    "float_type": "write a number, without quotes",
    "bool_type": "write true or false",
    "finite_number": "write a finite number",
    "string_type": "write a word (in quotes where it looks like something else)",
    "string_unicode": "remove the half code point",
    "string_too_short": "write a word",
    "string_too_long": "write at most {max_length} characters",
    "tuple_type": "write a list, as in [1, 2]",
    "too_short": "name at least {min_length}",
    "too_long": "name at most {max_length}",
    "model_type": "write keys with values, as in {{key: value}}",
    "literal_error": "choose {expected}",
    "greater_than": "write more than {gt}",
    "greater_than_equal": "write at least {ge}",
    "less_than": "write less than {lt}",
    "less_than_equal": "write at most {le}",
}
"""Pydantic's kinds of error in words for who writes YAML; other kinds keep Pydantic's words."""


def complaint(error: ValidationError, settings: type[BaseModel]) -> str:
    """The first thing that ``error`` found wrong in what was to be ``settings``."""
    first = error.errors(include_url=False)[0]
    key = one_line(".".join(str(part) for part in first["loc"]), 200)
    if first["type"] == "extra_forbidden":
        return f"unknown key '{key}': {_neighbours(settings, first['loc'])}"
    remedy = _REMEDIES.get(first["type"])
    reason = (
        remedy.format(**first.get("ctx", {}))
        if remedy
        else one_line(first["msg"].removeprefix("Value error, "), 300)
    )
    return f"{key}: {quoted(first['input'])} does not do: {reason}" if key else f"config: {reason}"


def _neighbours(settings: type[BaseModel], loc: tuple[Any, ...]) -> str:
    place: Any = settings
    for part in loc[:-1]:
        place = place.model_fields[part].annotation
    return f"the keys there are {', '.join(place.model_fields)}"
