"""The usual run, read in one go: every field in a shape that columns give back exactly.

`parse` does for the runs that servers send all day what `runs.protocol.run.parse_run` does for all, in a fraction of
the time. Whatever is unusual, from an unknown field to a number spelled `1.0`, gives None and is left to the
other; a test holds the two against each other.
"""

from __future__ import annotations

from datetime import UTC, datetime
from operator import attrgetter
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from runs.errors import RunglassError
from runs.protocol import configuration, lossless_json
from runs.protocol.configuration import MAX_CACHED_CONFIGURATION_BYTES, ParsedConfiguration
from runs.protocol.fields import MAX_INDEXED_LENGTH
from runs.protocol.run import RUN_FIELDS, ParsedRun, RunColumns, derive_run_columns
from runs.protocol.usage import TokenCounts, parse_plain_usage

ShortString = Annotated[str, Meta(min_length=1, max_length=MAX_INDEXED_LENGTH)]
TimestampSeconds = Annotated[int, Meta(ge=1, lt=10**10)]
_NOT_SENT = Raw(b"")
_NUL = rb"\u0000"  # the only spelling that JSON has for what Postgres can't hold


class PlainError(Struct, forbid_unknown_fields=True):
    """`last_error` as OpenAI's specification has it."""

    code: ShortString
    message: str


class PlainIncompleteDetails(Struct, forbid_unknown_fields=True):
    """`incomplete_details` with a reason."""

    reason: ShortString


class PlainRun(Struct, forbid_unknown_fields=True):
    """A run without surprises; the configuration's fields stay as they were written."""

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


_decoder = msgspec.json.Decoder(PlainRun)
_CONFIGURATION_FIELDS = tuple(configuration.CONFIGURATION_FIELD_TYPES)
_get_configuration_slots = attrgetter(*_CONFIGURATION_FIELDS)
_BITS = {known.name: 1 << position for position, known in enumerate(RUN_FIELDS)}
_OPTIONAL_FIELDS = (
    *("started_at", "expires_at", "cancelled_at", "failed_at", "completed_at"),
    *("required_action", "last_error", "incomplete_details", "usage", "metadata"),
)
_get_optional_values = attrgetter(*_OPTIONAL_FIELDS)
_OPTIONAL_BITS = tuple(_BITS[name] for name in _OPTIONAL_FIELDS)
_NO_COUNTS: TokenCounts = (None, None, None, None, None)


class CachedConfiguration(Struct, frozen=True):
    """A configuration that was met: its fields as they were written, empty ones not sent, and what was made of them.

    `names` are those of the fields that were sent, with `incomplete_details` where the run `has_reason`.
    """

    slots: tuple[Raw, ...]
    has_reason: bool
    parsed: ParsedConfiguration
    names: frozenset[str]


# The last few of each assistant: comparing texts takes a fifth of the time that hashing them does.
_configuration_cache: dict[str, tuple[CachedConfiguration, ...]] = {}
_MAX_CACHED_ASSISTANTS, _MAX_CACHED_PER_ASSISTANT = 256, 4


def parse_plain_run(raw: bytes) -> ParsedRun | None:
    """The run of which `raw` is the JSON text, if it is a usual one that follows the protocol."""
    if _NUL in raw:
        return None
    try:
        run = _decoder.decode(raw)
        setup = _find_configuration(run)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, RunglassError):
        return None
    counts = _parse_counts(run)
    if counts is None:
        return None
    return derive_run_columns(_build_columns(run, counts), setup.parsed, setup.names)


def _find_configuration(run: PlainRun) -> CachedConfiguration:
    slots, has_reason = _get_configuration_slots(run), run.incomplete_details is not UNSET
    for setup in _configuration_cache.get(run.assistant_id, ()):
        if setup.slots == slots and setup.has_reason == has_reason:
            return setup
    setup = _parse_slots(tuple(raw.copy() for raw in slots), has_reason)
    if sum(map(len, slots)) <= MAX_CACHED_CONFIGURATION_BYTES:
        if len(_configuration_cache) >= _MAX_CACHED_ASSISTANTS:
            _configuration_cache.clear()
        _configuration_cache[run.assistant_id] = (
            setup,
            *_configuration_cache.get(run.assistant_id, ())[: _MAX_CACHED_PER_ASSISTANT - 1],
        )
    return setup


def _parse_slots(slots: tuple[Raw, ...], has_reason: bool) -> CachedConfiguration:
    sent = {name: bytes(raw) for name, raw in zip(_CONFIGURATION_FIELDS, slots, strict=True) if raw}
    for raw in sent.values():
        raw.decode()  # which nothing did yet, of what stays as it was written
        lossless_json.check_json_depth(raw)
    names = frozenset({*sent, "incomplete_details"} if has_reason else sent)
    return CachedConfiguration(slots, has_reason, configuration.parse_configuration(sent), names)


def _parse_counts(run: PlainRun) -> TokenCounts | None:
    usage = b"null" if run.usage is UNSET else bytes(run.usage)
    return _NO_COUNTS if usage == b"null" else parse_plain_usage(usage)


def _build_columns(run: PlainRun, counts: TokenCounts) -> RunColumns:
    error, reason = run.last_error or None, run.incomplete_details or None
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
        reason.reason if reason else None,
        *counts,
        None if run.metadata is UNSET else run.metadata,
        _absent_bits(run),
        None,
    )


def _to_datetime(seconds: int | UnsetType | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None


def _absent_bits(run: PlainRun) -> int:
    values = _get_optional_values(run)
    if UNSET not in values:
        return 0
    return sum(bit for bit, value in zip(_OPTIONAL_BITS, values, strict=True) if value is UNSET)
