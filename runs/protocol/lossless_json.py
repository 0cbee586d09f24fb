"""JSON as text: taken apart, compared and put together without losing what was written.

Values travel as slices of the posted bytes, so numbers keep their spelling (`1.0`, integers of any size) and
strings keep what Python's or Postgres's types would refuse (`\\u0000`, lone surrogates).
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, NoReturn

import msgspec

from runs.errors import TooManyObjects, UnreadableBody

_as_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_as_elements = msgspec.json.Decoder(list[msgspec.Raw])
# a string (to the end of the text where it isn't closed), a bracket or a comma
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\Z)|[\[\]{},]', re.DOTALL)
_STRING_OR_BRACKET = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]', re.DOTALL)
_MAX_DEPTH = 200  # levels; comparing takes two frames of Python's stack a level, and the stack is 1000 deep
_MAX_UNCOUNTED_BYTES = 2 * 1024 * 1024  # bytes, of which no number of elements fills the memory
_MIN_BYTES_PER_COMMA = 16  # bytes a comma; objects of the protocol have about twice as many
_MAX_INTEGER_DIGITS = 4000  # digits; Python refuses to convert more than 4300
_MAX_CACHED_NAME_LENGTH = 64  # characters of a name that is kept as it is written
_SURROGATE = re.compile("[\ud800-\udfff]")


class _Number(str):
    """A number as it was spelled."""

    __slots__ = ()


def split_object(raw: bytes) -> dict[str, bytes]:
    """The members of a JSON object, each value as it was written; of a repeated name the last one.

    Raises UnreadableBody where `raw` is no JSON object, no UTF-8, or nested too deeply.
    """
    try:
        raw.decode()
        return {name: bytes(value) for name, value in _as_fields.decode(raw).items()}
    except msgspec.ValidationError as error:
        raise UnreadableBody("expected an object") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        tree = _parse(raw)
    if not isinstance(tree, dict):
        raise UnreadableBody("expected an object")
    return {name: _encode_tree(value) for name, value in tree.items()}


def check_json_depth(raw: bytes) -> None:
    """Raise UnreadableBody where `raw` nests deeper than everything that is done with it can follow."""
    if raw.count(b"[") + raw.count(b"{") <= _MAX_DEPTH:
        return
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(raw):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(token[0], 0)
        if depth > _MAX_DEPTH:
            raise UnreadableBody(f"nested more than {_MAX_DEPTH} levels deep")


def split_array(raw: bytes, most: int | None = None) -> list[bytes]:
    """The elements of a JSON array, each as it was written.

    An element that is broken in itself comes back as it is, so that its neighbours can be used.
    Raises UnreadableBody where the array itself is broken, and TooManyObjects where it holds more than `most`.
    """
    if (
        most is not None
        and len(raw) > _MAX_UNCOUNTED_BYTES
        and raw.count(b",") > max(most, len(raw) // _MIN_BYTES_PER_COMMA)
    ):
        return _split_tolerantly(raw, most)  # counts while it cuts: millions of tiny elements would fill the memory
    try:
        return [bytes(element) for element in _as_elements.decode(raw)]
    except (msgspec.DecodeError, RecursionError):
        return _split_tolerantly(raw)


def decode_json(raw: bytes) -> Any:
    """`raw` as Python values. Floats may lose digits: never store what comes from here in place of `raw`."""
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return json.loads(raw.decode(), parse_int=_parse_integer)


def convert_json(value: Any, kind: Any) -> Any:
    """`value` as a `kind`, strictly. Raises msgspec.ValidationError.

    Where a name holds a lone surrogate, which msgspec refuses to look up, all strings come back clean.
    """
    try:
        return msgspec.convert(value, kind)
    except UnicodeEncodeError:
        return msgspec.convert(_clean_strings(value), kind)


def compact_json(raw: bytes) -> bytes:
    """`raw` without white space between its tokens."""
    try:
        return msgspec.json.format(raw, indent=-1)
    except msgspec.DecodeError:
        return _encode_tree(_parse(raw))


def canonical_json(raw: bytes) -> bytes:
    """`raw` with sorted names and one spelling of strings: equal for equal values, numbers as written."""
    return _encode_tree(_parse(raw), sort=True)


def is_same_json(left: bytes, right: bytes) -> bool:
    """Whether two JSON texts say the same, order of names aside."""
    return left == right or canonical_json(left) == canonical_json(right)


def join_members(members: dict[str, bytes]) -> bytes:
    """A JSON object of `members`."""
    return b"{" + b",".join(_encode_name(name) + raw for name, raw in members.items()) + b"}"


def _encode_name(name: str) -> bytes:
    """The name of a member as it stands before its value."""
    return _encode_short_name(name) if len(name) <= _MAX_CACHED_NAME_LENGTH else _quote(name).encode() + b":"


@lru_cache(maxsize=1024)  # of records of one kind the same few are written again and again
def _encode_short_name(name: str) -> bytes:
    return _quote(name).encode() + b":"


def clean_text(string: str) -> str:
    """`string` as Postgres can hold it: NUL and lone surrogates become U+FFFD."""
    if "\0" in string:
        string = string.replace("\0", "\ufffd")
    return string if string.isascii() else _SURROGATE.sub("\ufffd", string)


def _clean_strings(tree: Any) -> Any:
    match tree:
        case str():
            return clean_text(tree)
        case dict():
            return {clean_text(name): _clean_strings(item) for name, item in tree.items()}
        case list():
            return [_clean_strings(item) for item in tree]
        case _:
            return tree


def _parse(raw: bytes) -> Any:
    try:
        # decoded here, since json would guess UTF-16 and let surrogates pass
        return json.loads(raw.decode(), parse_float=_Number, parse_int=_Number, parse_constant=_reject_constant)
    except UnicodeDecodeError as error:
        raise UnreadableBody(f"not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise UnreadableBody(f"not JSON: {error.msg.removesuffix(' at')} at character {error.pos + 1}") from error
    except RecursionError as error:
        raise UnreadableBody("nested too deeply") from error


def _parse_integer(digits: str) -> int | float:
    return int(digits) if len(digits) < _MAX_INTEGER_DIGITS else float(digits)


def _reject_constant(name: str) -> NoReturn:
    raise UnreadableBody(f"not JSON: {name} is not a JSON value")


def _encode_tree(tree: Any, *, sort: bool = False) -> bytes:
    try:
        return _dump(tree, sort=sort).encode()
    except RecursionError as error:
        raise UnreadableBody("nested too deeply") from error


def _dump(tree: Any, *, sort: bool = False) -> str:
    match tree:
        case _Number():
            return str(tree)
        case str():
            return _quote(tree)
        case dict():
            members = sorted(tree.items()) if sort else tree.items()
            return "{" + ",".join(f"{_quote(name)}:{_dump(item, sort=sort)}" for name, item in members) + "}"
        case list():
            return "[" + ",".join(_dump(item, sort=sort) for item in tree) + "]"
        case _:
            return json.dumps(tree)


def _quote(string: str) -> str:
    return json.dumps(string, ensure_ascii=_SURROGATE.search(string) is not None)


def _split_tolerantly(raw: bytes, most: int | None = None) -> list[bytes]:
    """Cut an array at its own commas, whatever its elements are."""
    body = raw.strip()
    if not body.startswith(b"["):
        raise UnreadableBody("expected an array")
    parts, depth, begin = [], 0, 1
    for token in _TOKEN.finditer(body):
        mark = token[0]
        if mark in (b"[", b"{"):
            depth += 1
        elif mark in (b"]", b"}"):
            depth -= 1
        if (mark == b"," and depth == 1) or (mark == b"]" and depth == 0):
            parts.append(body[begin : token.start()].strip())
            begin = token.end()
            if most is not None and len(parts) > most:
                raise TooManyObjects(f"The body holds more than {most:,} objects, which is the most at once")
        if depth == 0:
            break
    if depth or begin != len(body):
        raise UnreadableBody("not JSON: the array does not end where the body ends")
    return [] if parts == [b""] else parts
