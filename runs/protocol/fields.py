"""The known fields of a protocol object: what each must look like, which columns hold it, how it is written back.

A field is read into columns and at once written back. Where that does not give exactly what was posted, the
posted text is kept beside the columns (`Reading.odd`). So nothing can be lost by a column that is too narrow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from runs.errors import Problem
from runs.protocol import lossless_json
from runs.protocol.timestamps import parse_timestamp, to_unix_seconds
from runs.protocol.validation_errors import problem_from_validation_error

# Longer texts would not fit into an index row (at most about 2,700 bytes); the rest is kept beside the column.
MAX_INDEXED_LENGTH = 256

# Python's integers have no sign for it.
_NEGATIVE_ZERO = re.compile(rb"(?:\A|[\[:,\s])-0(?!\d)")

Identifier = Annotated[str, Meta(min_length=1, max_length=256)]
Bigint = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Timestamp = Annotated[int, Meta(ge=0, le=2**63 - 1)]


class LastError(Struct):
    """`last_error` of a run or step: both texts are free in Azure's servers."""

    code: str | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class ProtocolField:
    """One known field. Without columns it is checked and then kept as posted."""

    name: str
    type: Any
    columns: tuple[str, ...] = ()
    read: Callable[[Any, Any], tuple[Any, ...]] = lambda _typed, _value: ()
    write: Callable[..., Any] = lambda *_: ...
    required: bool = False
    raw: bool = False  # the column holds the JSON text itself
    # Reads the usual spelling, which columns give back exactly, in a fraction of the time; None for any other.
    quick: Callable[[bytes], tuple[Any, ...] | None] = lambda _: None


@dataclass(slots=True)
class ParsedFields:
    """What was read from one object: columns, the posted text of what they can't give back, and what is missing."""

    columns: dict[str, Any] = field(default_factory=dict)
    odd: dict[str, bytes] = field(default_factory=dict)
    absent: int = 0
    problems: list[Problem] = field(default_factory=list)


def identifier_field(name: str, column: str) -> ProtocolField:
    """A field that names the object or another one by a string of 1 to 256 characters."""
    return ProtocolField(
        name,
        Identifier,
        (column,),
        lambda typed, _: (typed,),
        lambda value: value,
        required=True,
        quick=_parse_plain_string,
    )


def string_field(name: str, *, column: str = "", required: bool = False) -> ProtocolField:
    """A text field; the column holds what can be stored and indexed of it."""
    kind = str if required else str | None
    return ProtocolField(
        name,
        kind,
        (column or name,),
        lambda typed, _: (lossless_json.clean_text(typed)[:MAX_INDEXED_LENGTH],),
        lambda value: value,
        required,
        quick=_parse_plain_string,
    )


def timestamp_field(name: str, *, required: bool = False) -> ProtocolField:
    """A time in Unix seconds; the column holds the moment."""
    kind = Timestamp if required else Timestamp | None
    return ProtocolField(
        name,
        kind,
        (name,),
        lambda typed, _: (parse_timestamp(typed),),
        to_unix_seconds,
        required,
        quick=_parse_plain_seconds,
    )


def json_text_field(name: str, kind: Any, *, column: str = "") -> ProtocolField:
    """A nested value that is kept as JSON text; `kind` says what it must look like."""
    return ProtocolField(name, kind, (column or name,), raw=True)


def last_error_field() -> ProtocolField:
    """`last_error`: columns error_code and error_message."""

    def read(typed: LastError, _: Any) -> tuple[str | None, str | None]:
        return (
            None if typed.code is None else lossless_json.clean_text(typed.code)[:MAX_INDEXED_LENGTH],
            None if typed.message is None else lossless_json.clean_text(typed.message),
        )

    return ProtocolField(
        "last_error",
        LastError | None,
        ("error_code", "error_message"),
        read,
        lambda code, message: {"code": code, "message": message},
    )


def metadata_field() -> ProtocolField:
    """`metadata`: an object; DashScope sends an empty array for none."""
    return ProtocolField(
        "metadata",
        dict[str, Any] | Annotated[list[Any], Meta(max_length=0)] | None,
        ("metadata",),
        lambda _, value: (_storable_metadata(value) if value else {},),
        lambda value: value,
        quick=_parse_plain_metadata,
    )


def _storable_metadata(value: Any) -> Any:
    """`value` as jsonb can hold it; numbers become text so that none is rounded."""
    match value:
        case str():
            return lossless_json.clean_text(value)
        case dict():
            return {lossless_json.clean_text(name): _storable_metadata(item) for name, item in value.items()}
        case list():
            return [_storable_metadata(item) for item in value]
        case bool() | None:
            return value
        case _:
            return str(value)


_strings_decoder = msgspec.json.Decoder(dict[str, str])


def _parse_plain_string(raw: bytes) -> tuple[str] | None:
    if raw[:1] != b'"' or b"\\" in raw or not 2 < len(raw) <= MAX_INDEXED_LENGTH + 2:
        return None
    return (raw[1:-1].decode(),)


def _parse_plain_seconds(raw: bytes) -> tuple[datetime] | None:
    return (parse_timestamp(int(raw)),) if raw.isdigit() and len(raw) < 11 else None


def _parse_plain_metadata(raw: bytes) -> tuple[dict[str, str]] | None:
    if b"\\u" in raw:
        return None
    try:
        return (_strings_decoder.decode(raw),)
    except msgspec.DecodeError:
        return None


def parse_fields(posted: Mapping[str, bytes], known: Sequence[ProtocolField]) -> ParsedFields:
    """Read the `known` fields of an object whose members are `posted`; problems are collected, not raised."""
    reading = ParsedFields()
    for position, known_field in enumerate(known):
        raw = posted.get(known_field.name)
        if raw is None:
            _parse_absent(reading, known_field, position)
        elif raw == b"null" and not known_field.required:
            reading.columns.update(dict.fromkeys(known_field.columns))
        else:
            _parse_present(reading, known_field, raw)
    return reading


def _parse_absent(reading: ParsedFields, known_field: ProtocolField, position: int) -> None:
    if known_field.required:
        reading.problems.append(Problem(f"/{known_field.name}", "required, but missing"))
    reading.absent |= 1 << position
    reading.columns.update(dict.fromkeys(known_field.columns))


def _parse_present(reading: ParsedFields, known_field: ProtocolField, raw: bytes) -> None:
    if (plain := known_field.quick(raw)) is not None:
        reading.columns.update(zip(known_field.columns, plain, strict=True))
        return
    try:
        value = lossless_json.decode_json(raw)
        typed = lossless_json.convert_json(value, known_field.type)
    except msgspec.ValidationError as error:
        reading.problems.append(problem_from_validation_error(known_field.name, error))
        return
    if known_field.type is Identifier and lossless_json.clean_text(value) != value:
        reading.problems.append(Problem(f"/{known_field.name}", "must not contain NUL or lone surrogates"))
        return
    if known_field.raw:
        reading.columns[known_field.columns[0]] = lossless_json.compact_json(raw).decode()
        return
    columns = known_field.read(typed, value)
    reading.columns.update(zip(known_field.columns, columns, strict=True))
    if not _round_trips(known_field, columns, value) or _NEGATIVE_ZERO.search(raw):
        reading.odd[known_field.name] = lossless_json.compact_json(raw)


def _round_trips(known_field: ProtocolField, columns: tuple[Any, ...], value: Any) -> bool:
    # columns that are all null are written back as null, not as an object of nulls
    return any(each is not None for each in columns) and is_identical_json(known_field.write(*columns), value)


def write_fields(columns: Mapping[str, Any], absent: int, known: Sequence[ProtocolField]) -> dict[str, bytes]:
    """The inverse of `read`, as far as columns can tell: the members in the order of `known`."""
    posted: dict[str, bytes] = {}
    for position, known_field in enumerate(known):
        if absent >> position & 1 or not known_field.columns:
            continue
        values = [columns[name] for name in known_field.columns]
        if all(value is None for value in values):
            posted[known_field.name] = b"null"
        elif known_field.raw:
            posted[known_field.name] = values[0].encode()
        else:
            posted[known_field.name] = msgspec.json.encode(known_field.write(*values))
    return posted


def is_identical_json(left: Any, right: Any) -> bool:
    """Whether two Python values are the same JSON: 1, 1.0 and true all differ."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(is_identical_json(left[name], right[name]) for name in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(is_identical_json, left, right))
    return bool(left == right)


def encode_extra(posted: Mapping[str, bytes], reading: ParsedFields, known_names: frozenset[str]) -> str | None:
    """JSON text of everything that columns can't give back: unknown members and odd spellings of known ones."""
    kept = {name: lossless_json.compact_json(raw) for name, raw in posted.items() if name not in known_names}
    kept.update(reading.odd)
    return lossless_json.join_members(kept).decode() if kept else None
