r"""JSON that keeps every value as it was written.

The only module that parses, compares and writes JSON without loss. It works at two levels:

- Text. `split_object` and `split_array` cut posted bytes into slices, `join_members` puts slices together again.
  Nothing is decoded, so numbers keep their spelling (`1.0`, integers of any size) and strings keep what Python or
  Postgres would refuse (`\u0000`, lone surrogates).
- Values. `parse_json` returns Python values in which each number is a `JsonNumber`, the text of the number as it
  was written. `dump_json` writes them back.

`decode_json` is the exception: it returns ordinary Python numbers, for checks only.
"""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, NoReturn

import msgspec

from runs.errors import TooManyObjects, UnreadableBody

JSON_WHITESPACE = b" \t\r\n"
# JSON's white space, what else Python and people take for it, and NUL. A text of nothing else is empty.
BLANK_CHARACTERS = b" \t\r\n\v\f\0"

_object_decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
_array_decoder = msgspec.json.Decoder(list[msgspec.Raw])
# A string (to the end of the text if it isn't closed), a bracket or a comma.
_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*+(?:"|\Z)|[\[\]{},]', re.DOTALL)
_STRING_OR_BRACKET = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}]', re.DOTALL)
# Levels of nesting. A comparison needs two frames of Python's stack per level, and the stack is 1000 frames deep.
_MAX_DEPTH = 200
# Bytes. An array of this size can't fill the memory, regardless of the number of its elements.
_MAX_UNCOUNTED_BYTES = 2 * 1024 * 1024
# Objects of the protocol have about twice as many bytes per comma.
_MIN_BYTES_PER_COMMA = 16
_MAX_INTEGER_DIGITS = 4000  # Python refuses to convert more than 4300
_MAX_CACHED_NAME_LENGTH = 64  # characters
_MAX_DECIMAL_LENGTH = 30  # characters of a number that is compared by value
_MAX_WHOLE_EXPONENT = 30  # of a number in scientific notation that may be an integer
_MAX_EXACT_FLOAT = 2**53
_FRACTION_OR_EXPONENT = re.compile(rb"[0-9][.eE]")
_SURROGATE = re.compile("[\ud800-\udfff]")


class JsonNumber(str):
    """A JSON number as it was written."""

    __slots__ = ()


# Text


def split_object(raw: bytes) -> dict[str, bytes]:
    """Split a JSON object into its members, each value as it was written.

    The last value of a repeated name counts. Raises UnreadableBody if `raw` is not a JSON object, not UTF-8, or
    nested too deeply.
    """
    try:
        raw.decode()
        return {name: bytes(value) for name, value in _object_decoder.decode(raw).items()}
    except msgspec.ValidationError as error:
        raise UnreadableBody("expected an object") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = parse_json(raw)
    if not isinstance(value, dict):
        raise UnreadableBody("expected an object")
    return {name: _encode_value(member) for name, member in value.items()}


def split_array(raw: bytes, max_elements: int | None = None) -> list[bytes]:
    """Split a JSON array into its elements, each as it was written.

    A malformed element is returned as it is, so that the others can be used. Raises UnreadableBody if the array
    itself is malformed or holds no values but is not empty, and TooManyObjects if a large one has more than
    `max_elements`.
    """
    if (
        max_elements is not None
        and len(raw) > _MAX_UNCOUNTED_BYTES
        and raw.count(b",") > max(max_elements, len(raw) // _MIN_BYTES_PER_COMMA)
    ):
        return _split_array_tolerantly(raw, max_elements)  # counts as it goes: millions of elements fill the memory
    try:
        return [bytes(element) for element in _array_decoder.decode(raw)]
    except (msgspec.DecodeError, RecursionError):
        return _split_array_tolerantly(raw)


def _split_array_tolerantly(raw: bytes, max_elements: int | None = None) -> list[bytes]:
    """Cut an array at its own commas, whether or not its elements are valid JSON."""
    body = raw.strip(JSON_WHITESPACE)
    if not body.startswith(b"["):
        raise UnreadableBody("expected an array")
    elements, depth, begin = [], 0, 1
    for match in _TOKEN.finditer(body):
        token = match[0]
        if token in (b"[", b"{"):
            depth += 1
        elif token in (b"]", b"}"):
            depth -= 1
        if (token == b"," and depth == 1) or (token == b"]" and depth == 0):
            elements.append(body[begin : match.start()].strip(JSON_WHITESPACE))
            begin = match.end()
            if max_elements is not None and len(elements) > max_elements:
                raise TooManyObjects(f"The body has more than {max_elements:,} objects, the most in one request")
        if depth == 0:
            break
    if depth or begin != len(body):
        raise UnreadableBody("not JSON: the array does not end where the body ends")
    if not any(element.strip(BLANK_CHARACTERS) for element in elements):
        raise UnreadableBody("not JSON: the array holds no values, but is not empty")
    return elements


def join_members(members: dict[str, bytes]) -> bytes:
    """Return a JSON object with `members`, whose values are JSON text."""
    return b"{" + b",".join(_encode_name(name) + raw for name, raw in members.items()) + b"}"


def _encode_name(name: str) -> bytes:
    return _encode_short_name(name) if len(name) <= _MAX_CACHED_NAME_LENGTH else _quote(name).encode() + b":"


@lru_cache(maxsize=1024)  # records of one type repeat the same few names
def _encode_short_name(name: str) -> bytes:
    return _quote(name).encode() + b":"


def compact_json(raw: bytes) -> bytes:
    """Return `raw` without whitespace between its tokens."""
    try:
        return msgspec.json.format(raw, indent=-1)
    except msgspec.DecodeError:
        return _encode_value(parse_json(raw))


def canonical_json(raw: bytes) -> bytes:
    """Return `raw` with sorted names and uniformly escaped strings; numbers stay as they were written."""
    return _encode_value(parse_json(raw), sort_names=True)


def is_same_json(left: bytes, right: bytes) -> bool:
    """Return whether two JSON texts are equal except for whitespace, escapes and the order of names."""
    return left == right or canonical_json(left) == canonical_json(right)


def check_json_depth(raw: bytes) -> None:
    """Raise UnreadableBody if `raw` is nested more deeply than the code that processes it can follow."""
    if raw.count(b"[") + raw.count(b"{") <= _MAX_DEPTH:
        return
    depth = 0
    for match in _STRING_OR_BRACKET.finditer(raw):
        depth += {b"[": 1, b"{": 1, b"]": -1, b"}": -1}.get(match[0], 0)
        if depth > _MAX_DEPTH:
            raise UnreadableBody(f"nested more than {_MAX_DEPTH} levels deep")


# Values


def parse_json(raw: bytes | str) -> Any:
    """Parse `raw` into Python values, each number a `JsonNumber`.

    Raises UnreadableBody if it is not JSON, not UTF-8, or nested too deeply.
    """
    try:
        # json would guess the encoding of bytes, and accept UTF-16
        return _lossless_decoder.decode(raw if isinstance(raw, str) else raw.decode())
    except UnicodeDecodeError as error:
        raise UnreadableBody(f"not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        raise UnreadableBody(f"not JSON: {error.msg.removesuffix(' at')} at character {error.pos + 1}") from error
    except RecursionError as error:
        raise UnreadableBody("nested too deeply") from error


def dump_json(value: Any, *, sort_names: bool = False, separators: tuple[str, str] = (", ", ": ")) -> str:
    """Write a value of `parse_json` as JSON on one line.

    `separators` stand between elements and after names. A string with lone surrogates, which can't be encoded, is
    written in ASCII. Raises RecursionError if `value` is nested too deeply.
    """
    match value:
        case JsonNumber():
            return str(value)
        case str():
            return _quote(value)
        case dict():
            comma, colon = separators
            members = sorted(value.items()) if sort_names else value.items()
            written = (
                _quote(name) + colon + dump_json(item, sort_names=sort_names, separators=separators)
                for name, item in members
            )
            return "{" + comma.join(written) + "}"
        case list():
            elements = (dump_json(item, sort_names=sort_names, separators=separators) for item in value)
            return "[" + separators[0].join(elements) + "]"
        case _:
            return json.dumps(value)


def _encode_value(value: Any, *, sort_names: bool = False) -> bytes:
    try:
        return dump_json(value, sort_names=sort_names, separators=(",", ":")).encode()
    except RecursionError as error:
        raise UnreadableBody("nested too deeply") from error


def _quote(string: str) -> str:
    return json.dumps(string, ensure_ascii=_SURROGATE.search(string) is not None)


def is_equal_value(left: Any, right: Any) -> bool:
    """Return whether two values of `parse_json` are equal: 1.0 equals 1, but neither equals "1" or true."""
    match left, right:
        case dict(), dict():
            return left.keys() == right.keys() and all(is_equal_value(left[name], right[name]) for name in left)
        case list(), list():
            return len(left) == len(right) and all(map(is_equal_value, left, right))
        case JsonNumber(), JsonNumber():
            if str(left) == str(right):
                return True
            number = to_decimal(left)
            return number is not None and number == to_decimal(right)
        case _:
            return type(left) is type(right) and left == right


def to_decimal(number: JsonNumber) -> Decimal | None:
    """Return the value of `number`, or None if it is too long or too large to calculate with."""
    try:
        return Decimal(number) if len(number) <= _MAX_DECIMAL_LENGTH else None
    except InvalidOperation:  # the exponent is out of range
        return None


def decode_json(raw: bytes) -> Any:
    """Decode `raw` into ordinary Python values.

    Floats may lose digits: never store the result in place of `raw`. Raises UnreadableBody if it is nested too deeply.
    """
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _decode_with_json(raw)


def encode_json(value: Any) -> bytes:
    """Encode ordinary Python values, such as those of `decode_json`. Strings with lone surrogates become ASCII."""
    try:
        return msgspec.json.encode(value)
    except (UnicodeEncodeError, OverflowError):
        return json.dumps(value, separators=(",", ":")).encode()


def format_json(value: Any) -> str:
    """Write ordinary Python values as people read them, on one line, without escapes of letters.

    It takes a fifth of the time of `dump_json`. Lone surrogates stay, so the result is to be cleaned.
    """
    return json.dumps(value, ensure_ascii=False)


def _decode_with_json(raw: bytes) -> Any:
    try:
        return json.loads(raw.decode(), parse_int=_parse_integer)
    except RecursionError as error:
        raise UnreadableBody("nested too deeply") from error


def inspect_types(*types: Any) -> None:
    """Let msgspec inspect `types` while their module is imported.

    It would otherwise do so at the first conversion, and crash the process if two threads are the first ones.
    """
    for target_type in types:
        msgspec.json.Decoder(target_type)


def convert_json(value: Any, target_type: Any) -> Any:
    """Convert a decoded value to `target_type`, strictly. Raises msgspec.ValidationError.

    msgspec can't look up names with lone surrogates. If there are any, all strings are cleaned first.
    """
    try:
        return msgspec.convert(value, target_type)
    except UnicodeEncodeError:
        return msgspec.convert(_clean_strings(value), target_type)


def convert_posted_json(raw: bytes, value: Any, target_type: Any) -> Any:
    """Convert `value`, which was decoded from `raw`, to `target_type`. Raises msgspec.ValidationError.

    As in JSON Schema, whole numbers are integers however they are written: 120.0 and 1.2e2 are 120.
    """
    try:
        return convert_json(value, target_type)
    except msgspec.ValidationError:
        if not _FRACTION_OR_EXPONENT.search(raw):
            raise
        return convert_json(_decode_whole_numbers(raw), target_type)


def _decode_whole_numbers(raw: bytes) -> Any:
    return json.loads(raw.decode(), parse_int=_parse_integer, parse_float=_parse_whole_number)


def clean_text(string: str) -> str:
    """Return `string` as Postgres can store it: NUL and lone surrogates become U+FFFD."""
    if "\0" in string:
        string = string.replace("\0", "\ufffd")
    return string if string.isascii() else _SURROGATE.sub("\ufffd", string)


def _clean_strings(value: Any) -> Any:
    match value:
        case str():
            return clean_text(value)
        case dict():
            return {clean_text(name): _clean_strings(item) for name, item in value.items()}
        case list():
            return [_clean_strings(item) for item in value]
        case _:
            return value


def _parse_integer(digits: str) -> int | float:
    return int(digits) if len(digits) < _MAX_INTEGER_DIGITS else float(digits)


def _parse_whole_number(text: str) -> int | float:
    """Return a number with a fraction or exponent as an integer if it is one, without rounding it."""
    number = to_decimal(JsonNumber(text))
    if number is None or number.adjusted() > _MAX_WHOLE_EXPONENT:
        rounded = float(text)
        return int(rounded) if rounded.is_integer() and abs(rounded) < _MAX_EXACT_FLOAT else rounded
    return int(number) if number == number.to_integral_value() else float(text)


def _reject_constant(name: str) -> NoReturn:
    raise UnreadableBody(f"not JSON: {name} is not a JSON value; post null instead")


# One decoder for all calls: a page parses hundreds of values.
_lossless_decoder = json.JSONDecoder(parse_float=JsonNumber, parse_int=JsonNumber, parse_constant=_reject_constant)
