"""Limits of single objects, which bound what one object costs in memory, in rows and on pages.

They are far above what servers send. Most objects are within them by their size, or by the numbers of characters that
they would need to exceed them; only the others are looked into.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from django.conf import settings

from runs.errors import InvalidObject, Problem
from runs.protocol.lossless_json import clean_text, decode_json, split_array, split_object

_MIN_BYTES_PER_NAME = 5  # `"":0,`
# With more colons than this multiple of the limit of names, an object is not split into its members.
_MAX_SPLIT_FACTOR = 16
_MAX_CACHED_FIELD_BYTES = 64 * 1024
_SETTINGS = {
    "names": "RUNGLASS_MAX_OBJECT_NAMES",
    "values": "RUNGLASS_MAX_OBJECT_VALUES",
    "tools": "RUNGLASS_MAX_TOOLS",
}
_STRING_OR_DELIMITER = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{},:]', re.DOTALL)


class ObjectLimits(NamedTuple):
    """The limits of an object: bytes, values, bytes of a field, names in a JSON object at any place, and tools."""

    object_bytes: int
    values: int
    field_bytes: int
    names: int
    tools: int


def load_object_limits() -> ObjectLimits:
    """Return the limits that the settings define."""
    return ObjectLimits(
        settings.MAX_OBJECT_BYTES,
        settings.MAX_OBJECT_VALUES,
        settings.MAX_FIELD_BYTES,
        settings.MAX_OBJECT_NAMES,
        settings.MAX_TOOLS,
    )


def check_object_limits(raw: bytes, limits: ObjectLimits) -> None:
    """Check the JSON of an object. Raises InvalidObject with a problem for each field that exceeds a limit."""
    size = len(raw)
    if size <= min(limits.names * _MIN_BYTES_PER_NAME, limits.field_bytes):
        return
    if size > limits.object_bytes:
        raise InvalidObject(problems=[_describe_size("", size, limits.object_bytes, "RUNGLASS_MAX_OBJECT_MB")])
    colons, commas = raw.count(b":"), raw.count(b",")
    if (commas > limits.values or colons > limits.names * _MAX_SPLIT_FACTOR) and (
        problem := _find_excess(raw, limits.names, limits.values)
    ):
        raise InvalidObject(problems=[problem])
    if size > limits.field_bytes or colons > limits.names or commas >= limits.tools:
        _check_members(split_object(raw), limits)


def _check_members(members: dict[str, bytes], limits: ObjectLimits) -> None:
    problems = [problem for name, raw in members.items() if (problem := _check_field(name, raw, limits))]
    if len(members) > limits.names:
        problems.append(_describe_number("", "names", len(members), limits.names))
    if problems:
        raise InvalidObject(problems=problems)


def _check_field(name: str, raw: bytes, limits: ObjectLimits) -> Problem | None:
    pointer = _extend_pointer("", name)
    if len(raw) > limits.field_bytes:
        return _describe_size(pointer, len(raw), limits.field_bytes, "RUNGLASS_MAX_FIELD_MB")
    if name == "tools" and raw.count(b",") >= limits.tools and (number := len(split_array(raw))) > limits.tools:
        return _describe_number(pointer, "tools", number, limits.tools)
    if raw.count(b":") <= limits.names:
        return None
    # Hundreds of runs have the same tools.
    find_excess = _find_excess_cached if len(raw) <= _MAX_CACHED_FIELD_BYTES else _find_excess
    return find_excess(raw, limits.names, limits.values, pointer)


def _find_excess(raw: bytes, max_names: int, max_values: int, pointer: str = "") -> Problem | None:
    """Return the problem of the first limit that the JSON at `pointer` exceeds, without reading any further."""
    steps: list[bytes | int] = []  # the name or the index of the current value in each open object or array
    names: list[int] = []  # the number of names in each
    values, string = 1, b'""'
    for match in _STRING_OR_DELIMITER.finditer(raw):
        token = match[0]
        if token in (b"{", b"["):
            steps.append(0)
            names.append(0)
            values += 1
        elif not steps:
            return None  # a string, or not JSON
        elif token in (b"}", b"]"):
            steps.pop()
            names.pop()
        elif token == b",":
            steps[-1] = step + 1 if isinstance(step := steps[-1], int) else step
            values += 1
        elif token == b":":
            steps[-1] = string
            names[-1] += 1
            if names[-1] > max_names:
                return _describe_number(_locate(pointer, steps[:-1]), "names", names[-1], max_names)
        else:
            string = token
        if values > max_values:
            return _describe_number(pointer, "values", values, max_values)
    return None


_find_excess_cached = lru_cache(maxsize=512)(_find_excess)


def _locate(pointer: str, steps: list[bytes | int]) -> str:
    for step in steps:
        pointer = _extend_pointer(pointer, str(step if isinstance(step, int) else decode_json(step)))
    return pointer


def _extend_pointer(pointer: str, name: str) -> str:
    return f"{pointer}/{clean_text(name).replace('~', '~0').replace('/', '~1')}"


def _describe_size(pointer: str, size: int, limit: int, setting: str) -> Problem:
    return Problem(pointer, f"larger than {limit:,} bytes, the limit that {setting} sets: {size:,} bytes")


def _describe_number(pointer: str, counted: str, number: int, limit: int) -> Problem:
    return Problem(
        pointer, f"more than {limit:,} {counted}, the limit that {_SETTINGS[counted]} sets: at least {number:,}"
    )
