"""The fast path for runs in the usual form, in which columns represent every field exactly.

`parse_plain_run` does the work of `runs.protocol.run.parse_run` in a fraction of the time, for the runs that servers
send most. For anything unusual, from an unknown field to a number written `1.0`, it returns None, and `parse_run`
takes over. A test compares the results of the two.
"""

from __future__ import annotations

from datetime import UTC, datetime
from operator import attrgetter
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from runs.errors import RunglassError
from runs.protocol.configuration import (
    CONFIGURATION_FIELD_TYPES,
    MAX_CACHED_CONFIGURATION_BYTES,
    ParsedConfiguration,
    parse_configuration,
)
from runs.protocol.fields import MAX_INDEXED_LENGTH, TokenCounts, parse_plain_usage
from runs.protocol.identifiers import find_id_fault
from runs.protocol.lossless_json import check_json_depth
from runs.protocol.run import RUN_FIELDS, ParsedRun, RunColumns, derive_run_columns

ShortString = Annotated[str, Meta(min_length=1, max_length=MAX_INDEXED_LENGTH)]
TimestampSeconds = Annotated[int, Meta(ge=1, lt=10**10)]
_NOT_SENT = Raw(b"")
_ESCAPED_NUL = rb"\u0000"  # Postgres can't store NUL, and JSON has no other way to write it


class PlainError(Struct, forbid_unknown_fields=True):
    """`last_error` as in OpenAI's specification."""

    code: ShortString
    message: str


class PlainIncompleteDetails(Struct, forbid_unknown_fields=True):
    """`incomplete_details` with a reason."""

    reason: ShortString


class PlainRun(Struct, forbid_unknown_fields=True):
    """A run in the usual form. The configuration fields stay JSON."""

    id: ShortString
    object: Literal["thread.run"]
    created_at: TimestampSeconds
    assistant_id: ShortString
    thread_id: ShortString
    status: ShortString
    started_at: TimestampSeconds | UnsetType | None = UNSET
    expires_at: TimestampSeconds | UnsetType | None = UNSET
    cancelled_at: TimestampSeconds | UnsetType | None = UNSET
    failed_at: TimestampSeconds | UnsetType | None = UNSET
    completed_at: TimestampSeconds | UnsetType | None = UNSET
    required_action: UnsetType | None = UNSET
    last_error: PlainError | UnsetType | None = UNSET
    incomplete_details: PlainIncompleteDetails | UnsetType | None = UNSET
    usage: Raw | UnsetType = UNSET
    metadata: dict[str, str] | UnsetType | None = UNSET
    model: Raw = _NOT_SENT
    instructions: Raw = _NOT_SENT
    tools: Raw = _NOT_SENT
    file_ids: Raw = _NOT_SENT
    tool_resources: Raw = _NOT_SENT
    temperature: Raw = _NOT_SENT
    top_p: Raw = _NOT_SENT
    max_prompt_tokens: Raw = _NOT_SENT
    max_completion_tokens: Raw = _NOT_SENT
    truncation_strategy: Raw = _NOT_SENT
    tool_choice: Raw = _NOT_SENT
    parallel_tool_calls: Raw = _NOT_SENT
    response_format: Raw = _NOT_SENT
    reasoning_effort: Raw = _NOT_SENT
    agent_version: Raw = _NOT_SENT


_decoder = msgspec.json.Decoder(PlainRun)
_CONFIGURATION_FIELDS = tuple(CONFIGURATION_FIELD_TYPES)
_get_configuration_slots = attrgetter(*_CONFIGURATION_FIELDS)
_ABSENT_BITS = {known.name: 1 << position for position, known in enumerate(RUN_FIELDS)}
_OPTIONAL_FIELDS = (
    *("started_at", "expires_at", "cancelled_at", "failed_at", "completed_at"),
    *("required_action", "last_error", "incomplete_details", "usage", "metadata"),
)
_get_optional_values = attrgetter(*_OPTIONAL_FIELDS)
_OPTIONAL_BITS = tuple(_ABSENT_BITS[name] for name in _OPTIONAL_FIELDS)
_NO_COUNTS: TokenCounts = (None, None, None, None, None)


class CachedConfiguration(Struct, frozen=True):
    """A configuration that was parsed before: the JSON of its fields, empty if not sent, and the result.

    `posted_names` are the names of the fields that were sent, with `incomplete_details` if the run has it.
    """

    slots: tuple[Raw, ...]
    has_incomplete_details: bool
    parsed: ParsedConfiguration
    posted_names: frozenset[str]


# The latest configurations of each assistant. Comparing JSON takes a fifth of the time that hashing it takes.
_configuration_cache: dict[str, tuple[CachedConfiguration, ...]] = {}
_MAX_CACHED_ASSISTANTS, _MAX_CACHED_PER_ASSISTANT = 256, 4


def parse_plain_run(raw: bytes) -> ParsedRun | None:
    """Parse the JSON of a run, or return None if it is not in the usual form or not valid."""
    if _ESCAPED_NUL in raw:
        return None
    try:
        run = _decoder.decode(raw)
        if find_id_fault(run.id) or find_id_fault(run.assistant_id) or find_id_fault(run.thread_id):
            return None
        configuration = _find_configuration(run)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, RunglassError):
        return None
    usage = b"null" if run.usage is UNSET else bytes(run.usage)
    counts = _NO_COUNTS if usage == b"null" else parse_plain_usage(usage)
    if counts is None:
        return None
    return derive_run_columns(_build_columns(run, counts), configuration.parsed, configuration.posted_names)


def _find_configuration(run: PlainRun) -> CachedConfiguration:
    slots, has_incomplete_details = _get_configuration_slots(run), run.incomplete_details is not UNSET
    for cached in _configuration_cache.get(run.assistant_id, ()):
        if cached.slots == slots and cached.has_incomplete_details == has_incomplete_details:
            return cached
    # copied, since a Raw refers to the whole body
    parsed = _parse_slots(tuple(raw.copy() for raw in slots), has_incomplete_details)
    if sum(map(len, slots)) <= MAX_CACHED_CONFIGURATION_BYTES:
        if len(_configuration_cache) >= _MAX_CACHED_ASSISTANTS:
            _configuration_cache.clear()
        others = _configuration_cache.get(run.assistant_id, ())[: _MAX_CACHED_PER_ASSISTANT - 1]
        _configuration_cache[run.assistant_id] = (parsed, *others)
    return parsed


def _parse_slots(slots: tuple[Raw, ...], has_incomplete_details: bool) -> CachedConfiguration:
    posted = {name: bytes(raw) for name, raw in zip(_CONFIGURATION_FIELDS, slots, strict=True) if raw}
    for raw in posted.values():
        raw.decode()  # the decoder does not check the encoding of a Raw
        check_json_depth(raw)
    names = frozenset({*posted, "incomplete_details"} if has_incomplete_details else posted)
    return CachedConfiguration(slots, has_incomplete_details, parse_configuration(posted), names)


def _build_columns(run: PlainRun, counts: TokenCounts) -> RunColumns:
    error, incomplete_details = run.last_error or None, run.incomplete_details or None
    return RunColumns(
        run.id,
        datetime.fromtimestamp(run.created_at, UTC),
        run.assistant_id,
        run.thread_id,
        run.status,
        _to_datetime(run.started_at),
        _to_datetime(run.expires_at),
        _to_datetime(run.cancelled_at),
        _to_datetime(run.failed_at),
        _to_datetime(run.completed_at),
        None,
        error.code if error else None,
        error.message if error else None,
        incomplete_details.reason if incomplete_details else None,
        *counts,
        None if run.metadata is UNSET else run.metadata,
        _find_absent_bits(run),
        None,
    )


def _to_datetime(seconds: int | UnsetType | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None


def _find_absent_bits(run: PlainRun) -> int:
    values = _get_optional_values(run)
    if UNSET not in values:
        return 0
    return sum(bit for bit, value in zip(_OPTIONAL_BITS, values, strict=True) if value is UNSET)
