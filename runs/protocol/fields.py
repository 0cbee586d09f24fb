"""The known fields of protocol objects: their types, the columns that store them, and how they are written back.

A field is parsed into columns, and the columns are at once written back as JSON. If that does not give exactly what
was posted, the posted JSON is kept beside the columns (`ParsedFields.unrepresentable`). So a column that is too
narrow never loses anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from runs.errors import Problem
from runs.protocol import lossless_json
from runs.protocol.identifiers import Identifier, OptionalIdentifier, find_id_fault
from runs.protocol.timestamps import parse_timestamp, to_unix_seconds
from runs.protocol.validation_errors import missing_field_problem, problem_from_validation_error

# Characters of an indexed text. An index entry holds at most about 2,700 bytes; longer texts are kept in `extra`.
MAX_INDEXED_LENGTH = 256

_EMPTY_STRING = b'""'
# Python's integers have no negative zero.
_NEGATIVE_ZERO = re.compile(rb"(?:\A|[\[:,\s])-0(?!\d)")

Bigint = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Timestamp = Annotated[int, Meta(ge=0, le=2**63 - 1)]


@dataclass(frozen=True, slots=True)
class ProtocolField:
    """A known field of a protocol object. A field without columns is validated and kept as posted.

    `to_columns` takes the value as `type` and as plain Python values, and returns a value for each column;
    `from_columns` is its inverse. `parse_fast` does both for JSON in the usual form, which columns represent exactly,
    in a fraction of the time, and returns None for any other form. With `is_json_text`, the column holds JSON text.
    `find_fault` returns what is wrong with a plain value of the right type, None if nothing is.
    """

    name: str
    type: Any
    columns: tuple[str, ...] = ()
    to_columns: Callable[[Any, Any], tuple[Any, ...]] = lambda _typed, _value: ()
    from_columns: Callable[..., Any] = lambda *_: ...
    required: bool = False
    is_json_text: bool = False
    parse_fast: Callable[[bytes], tuple[Any, ...] | None] = lambda _: None
    find_fault: Callable[[Any], str | None] = lambda _: None

    def __post_init__(self) -> None:
        """Prepare the type for threads."""
        lossless_json.inspect_types(self.type)


@dataclass(slots=True)
class ParsedFields:
    """The columns of a posted object, the JSON of fields that they can't represent, and the problems found.

    `absent` has a bit for each known field that was not posted, by its position.
    """

    columns: dict[str, Any] = field(default_factory=dict)
    unrepresentable: dict[str, bytes] = field(default_factory=dict)
    absent: int = 0
    problems: list[Problem] = field(default_factory=list)


# Kinds of fields


def identifier_field(name: str, column: str = "", *, required: bool = True) -> ProtocolField:
    """Return a field for the id of this or another object. An optional one may be empty, which counts as null."""
    return ProtocolField(
        name,
        Identifier if required else OptionalIdentifier,
        (column or name,),
        lambda typed, _: (typed or None,),
        lambda value: value,
        required=required,
        parse_fast=_parse_plain_id,
        find_fault=find_id_fault if required else lambda value: find_id_fault(value) if value else None,
    )


def string_field(name: str, *, column: str = "", required: bool = False) -> ProtocolField:
    """Return a field for a string; the column holds as much of it as can be indexed.

    A required string must not be empty. An optional one that is empty counts as null, because an empty value has no
    name by which it could be listed and selected.
    """
    return ProtocolField(
        name,
        Annotated[str, Meta(min_length=1)] if required else str | None,
        (column or name,),
        lambda typed, _: (truncate_indexed(typed) or None,),
        lambda value: value,
        required,
        parse_fast=_parse_plain_string,
    )


def timestamp_field(name: str, *, required: bool = False) -> ProtocolField:
    """Return a field for a time in Unix seconds; the column holds a datetime."""
    return ProtocolField(
        name,
        Timestamp if required else Timestamp | None,
        (name,),
        lambda typed, _: (parse_timestamp(typed),),
        to_unix_seconds,
        required,
        parse_fast=_parse_plain_seconds,
    )


def json_text_field(name: str, field_type: Any, *, column: str = "") -> ProtocolField:
    """Return a field for a nested value of `field_type`; the column holds its JSON."""
    return ProtocolField(name, field_type, (column or name,), is_json_text=True)


class LastError(Struct):
    """`last_error` of a run or step. OpenAI's specification lists the codes; Azure's servers send others, and null."""

    code: str | None = None
    message: str | None = None


def last_error_field() -> ProtocolField:
    """Return the field `last_error`, for the columns error_code and error_message."""

    def to_columns(typed: LastError, _: Any) -> tuple[str | None, str | None]:
        return (
            truncate_indexed(typed.code) if typed.code else None,
            None if typed.message is None else lossless_json.clean_text(typed.message),
        )

    return ProtocolField(
        "last_error",
        LastError | None,
        ("error_code", "error_message"),
        to_columns,
        lambda code, message: {"code": code, "message": message},
    )


def metadata_field() -> ProtocolField:
    """Return the field `metadata`, an object. DashScope sends an empty array instead of an empty object."""
    return ProtocolField(
        "metadata",
        dict[str, Any] | Annotated[list[Any], Meta(max_length=0)] | None,
        ("metadata",),
        lambda _, value: (make_storable_metadata(value) if value else {},),
        lambda value: value,
        parse_fast=_parse_plain_metadata,
    )


def truncate_indexed(string: str) -> str:
    """Return as much of `string` as an indexed column can hold."""
    return lossless_json.clean_text(string)[:MAX_INDEXED_LENGTH]


def make_storable_metadata(value: Any) -> Any:
    """Return `value` as jsonb can hold it; numbers become strings so that none is rounded."""
    match value:
        case str():
            return lossless_json.clean_text(value)
        case dict():
            return {lossless_json.clean_text(name): make_storable_metadata(item) for name, item in value.items()}
        case list():
            return [make_storable_metadata(item) for item in value]
        case bool() | None:
            return value
        case _:
            return str(value)


_strings_decoder = msgspec.json.Decoder(dict[str, str])


def _parse_plain_string(raw: bytes) -> tuple[str] | None:
    if raw[:1] != b'"' or b"\\" in raw or not 2 < len(raw) <= MAX_INDEXED_LENGTH + 2:
        return None
    return (raw[1:-1].decode(),)


def _parse_plain_id(raw: bytes) -> tuple[str] | None:
    plain = _parse_plain_string(raw)
    return None if plain is None or find_id_fault(plain[0]) else plain


def _parse_plain_seconds(raw: bytes) -> tuple[datetime] | None:
    return (parse_timestamp(int(raw)),) if raw.isdigit() and len(raw) < 11 else None


def _parse_plain_metadata(raw: bytes) -> tuple[dict[str, str]] | None:
    if b"\\u" in raw:
        return None
    try:
        return (_strings_decoder.decode(raw),)
    except msgspec.DecodeError:
        return None


# Usage

# prompt, completion, total, cached and reasoning tokens: the order of the columns
TokenCounts = tuple[int | None, int | None, int | None, int | None, int | None]


class TokenDetails(Struct):
    """Parts of a token count, as OpenAI's servers send them."""

    cached_tokens: Bigint | None = None
    reasoning_tokens: Bigint | None = None


class Usage(Struct):
    """`usage` under all names that servers use.

    OpenAI's specification has prompt, completion and total tokens, and different names of the details in its two
    revisions. DashScope sends input and output tokens.
    """

    prompt_tokens: Bigint | None = None
    completion_tokens: Bigint | None = None
    total_tokens: Bigint | None = None
    input_tokens: Bigint | None = None
    output_tokens: Bigint | None = None
    prompt_token_details: TokenDetails | None = None
    prompt_tokens_details: TokenDetails | None = None
    input_tokens_details: TokenDetails | None = None
    completion_token_details: TokenDetails | None = None
    completion_tokens_details: TokenDetails | None = None
    output_tokens_details: TokenDetails | None = None


def usage_field() -> ProtocolField:
    """Return the field `usage`, with a column for each count."""
    return ProtocolField(
        "usage",
        Usage | None,
        ("prompt_tokens", "completion_tokens", "total_tokens", "cached_tokens", "reasoning_tokens"),
        lambda typed, _: _usage_to_counts(typed),
        _counts_to_usage,
        parse_fast=parse_plain_usage,
    )


def _usage_to_counts(usage: Usage) -> TokenCounts:
    inputs = usage.prompt_token_details or usage.prompt_tokens_details or usage.input_tokens_details
    outputs = usage.completion_tokens_details or usage.completion_token_details or usage.output_tokens_details
    return (
        usage.prompt_tokens if usage.prompt_tokens is not None else usage.input_tokens,
        usage.completion_tokens if usage.completion_tokens is not None else usage.output_tokens,
        usage.total_tokens,
        inputs.cached_tokens if inputs else None,
        outputs.reasoning_tokens if outputs else None,
    )


def _counts_to_usage(prompt: Any, completion: Any, total: Any, cached: Any, reasoning: Any) -> dict[str, Any]:
    usage: dict[str, Any] = {"prompt_tokens": prompt, "completion_tokens": completion, "total_tokens": total}
    if cached is not None:
        usage["prompt_token_details"] = {"cached_tokens": cached}
    if reasoning is not None:
        usage["completion_tokens_details"] = {"reasoning_tokens": reasoning}
    return usage


class _PlainCached(Struct, forbid_unknown_fields=True):
    cached_tokens: Bigint


class _PlainReasoning(Struct, forbid_unknown_fields=True):
    reasoning_tokens: Bigint


class PlainUsage(Struct, forbid_unknown_fields=True):
    """`usage` in the form that `_counts_to_usage` writes."""

    prompt_tokens: Bigint
    completion_tokens: Bigint
    total_tokens: Bigint
    prompt_token_details: _PlainCached | UnsetType = UNSET
    completion_tokens_details: _PlainReasoning | UnsetType = UNSET


_usage_decoder = msgspec.json.Decoder(PlainUsage)


def parse_plain_usage(raw: bytes) -> TokenCounts | None:
    """Return the counts of a usage in the form that columns represent exactly, None for any other form."""
    if b"-0" in raw:
        return None
    try:
        usage = _usage_decoder.decode(raw)
    except msgspec.DecodeError:
        return None
    inputs, outputs = usage.prompt_token_details, usage.completion_tokens_details
    return (
        usage.prompt_tokens,
        usage.completion_tokens,
        usage.total_tokens,
        None if inputs is UNSET else inputs.cached_tokens,
        None if outputs is UNSET else outputs.reasoning_tokens,
    )


# From posted members to columns and back


def parse_fields(posted: Mapping[str, bytes], known_fields: Sequence[ProtocolField]) -> ParsedFields:
    """Parse the known fields of an object, given by its members. Problems are collected, not raised."""
    parsed = ParsedFields()
    for position, known_field in enumerate(known_fields):
        raw = posted.get(known_field.name)
        if raw is None:
            if known_field.required:
                parsed.problems.append(missing_field_problem("", known_field.name, posted))
            parsed.absent |= 1 << position
            parsed.columns.update(dict.fromkeys(known_field.columns))
        elif raw == b"null" and not known_field.required:
            parsed.columns.update(dict.fromkeys(known_field.columns))
        elif (plain := known_field.parse_fast(raw)) is not None:
            parsed.columns.update(zip(known_field.columns, plain, strict=True))
        else:
            _parse_field(parsed, known_field, raw)
    return parsed


def _parse_field(parsed: ParsedFields, known_field: ProtocolField, raw: bytes) -> None:
    value = lossless_json.decode_json(raw)
    try:
        typed = lossless_json.convert_posted_json(raw, value, known_field.type)
    except msgspec.ValidationError as error:
        parsed.problems.append(problem_from_validation_error(known_field.name, value, error))
        return
    if fault := known_field.find_fault(value):
        parsed.problems.append(Problem(f"/{known_field.name}", fault))
        return
    if known_field.is_json_text:
        parsed.columns[known_field.columns[0]] = lossless_json.compact_json(raw).decode()
        return
    columns = known_field.to_columns(typed, value)
    parsed.columns.update(zip(known_field.columns, columns, strict=True))
    # columns that are all null are written back as null, not as an object of nulls
    is_exact = any(column is not None for column in columns) and is_identical_json(
        known_field.from_columns(*columns), value
    )
    if not is_exact or _NEGATIVE_ZERO.search(raw):
        parsed.unrepresentable[known_field.name] = lossless_json.compact_json(raw)


def write_fields(columns: Mapping[str, Any], absent: int, known_fields: Sequence[ProtocolField]) -> dict[str, bytes]:
    """Return the members that the columns represent, in the order of `known_fields`: the inverse of `parse_fields`."""
    members: dict[str, bytes] = {}
    for position, known_field in enumerate(known_fields):
        if absent >> position & 1 or not known_field.columns:
            continue
        values = [columns[name] for name in known_field.columns]
        if all(value is None for value in values):
            members[known_field.name] = b"null"
        elif known_field.is_json_text:
            members[known_field.name] = values[0].encode()
        else:
            members[known_field.name] = msgspec.json.encode(known_field.from_columns(*values))
    return members


def is_identical_json(left: Any, right: Any) -> bool:
    """Return whether two Python values are written as the same JSON: 1, 1.0 and true all differ."""
    if type(left) is not type(right):
        return False
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(is_identical_json(left[name], right[name]) for name in left)
    if isinstance(left, list):
        return len(left) == len(right) and all(map(is_identical_json, left, right))
    return bool(left == right)


def encode_extra(posted: Mapping[str, bytes], parsed: ParsedFields, known_names: frozenset[str]) -> str | None:
    """Return the JSON object of all members that columns can't represent, None if there are none.

    These are unknown members, and known ones in an unusual form.
    """
    extra = {name: lossless_json.compact_json(raw) for name, raw in posted.items() if name not in known_names}
    if posted.get("object") == _EMPTY_STRING:
        extra["object"] = _EMPTY_STRING
    extra.update(parsed.unrepresentable)
    return lossless_json.join_members(extra).decode() if extra else None
