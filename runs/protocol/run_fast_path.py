"""The usual run, read in one go: every field in a shape that columns give back exactly.

`parse` does for the runs that servers send all day what `runs.protocol.run.parse` does for all, in a fraction of
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
from runs.protocol.configuration import MOST_REMEMBERED, ParsedConfiguration
from runs.protocol.fields import INDEXED_LENGTH
from runs.protocol.run import KNOWN, ParsedRun, RunRecord, finish
from runs.protocol.usage import Counts, plain_usage

Short = Annotated[str, Meta(min_length=1, max_length=INDEXED_LENGTH)]
Seconds = Annotated[int, Meta(ge=1, lt=10**10)]
_NOT_SENT = Raw(b"")
_NUL = rb"\u0000"  # the only spelling that JSON has for what Postgres can't hold


class PlainError(Struct, forbid_unknown_fields=True):
    """`last_error` as OpenAI's specification has it."""

    code: Short
    message: str


class PlainIncompleteDetails(Struct, forbid_unknown_fields=True):
    """`incomplete_details` with a reason."""

    reason: Short


class PlainRun(Struct, forbid_unknown_fields=True):
    """A run without surprises; the configuration's fields stay as they were written."""

    id: Short
    object: Literal["thread.run"]
    created_at: Seconds
    assistant_id: Short
    thread_id: Short
    status: Short
    started_at: Seconds | UnsetType | None = UNSET
    expires_at: Seconds | UnsetType | None = UNSET
    cancelled_at: Seconds | UnsetType | None = UNSET
    failed_at: Seconds | UnsetType | None = UNSET
    completed_at: Seconds | UnsetType | None = UNSET
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
_SETUP = tuple(configuration.TYPES)
_setup_of = attrgetter(*_SETUP)
_BITS = {known.name: 1 << position for position, known in enumerate(KNOWN)}
_OPTIONAL = (
    *("started_at", "expires_at", "cancelled_at", "failed_at", "completed_at"),
    *("required_action", "last_error", "incomplete_details", "usage", "metadata"),
)
_optional_of = attrgetter(*_OPTIONAL)
_OPTIONAL_BITS = tuple(_BITS[name] for name in _OPTIONAL)
_NO_COUNTS: Counts = (None, None, None, None, None)


class Setup(Struct, frozen=True):
    """A configuration that was met: its fields as they were written, empty ones not sent, and what was made of them.

    `names` are those of the fields that were sent, with `incomplete_details` where the run `has_reason`.
    """

    slots: tuple[Raw, ...]
    has_reason: bool
    parsed: ParsedConfiguration
    names: frozenset[str]


# The last few of each assistant: comparing texts takes a fifth of the time that hashing them does.
_met: dict[str, tuple[Setup, ...]] = {}
_MOST_ASSISTANTS, _MOST_OF_EACH = 256, 4


def parse(raw: bytes) -> ParsedRun | None:
    """The run of which `raw` is the JSON text, if it is a usual one that follows the protocol."""
    if _NUL in raw:
        return None
    try:
        run = _decoder.decode(raw)
        setup = _setup(run)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, RunglassError):
        return None
    counts = _counts(run)
    if counts is None:
        return None
    return finish(_record(run, counts), setup.parsed, setup.names)


def _setup(run: PlainRun) -> Setup:
    slots, has_reason = _setup_of(run), run.incomplete_details is not UNSET
    for setup in _met.get(run.assistant_id, ()):
        if setup.slots == slots and setup.has_reason == has_reason:
            return setup
    setup = _read_setup(tuple(raw.copy() for raw in slots), has_reason)
    if sum(map(len, slots)) <= MOST_REMEMBERED:
        if len(_met) >= _MOST_ASSISTANTS:
            _met.clear()
        _met[run.assistant_id] = (setup, *_met.get(run.assistant_id, ())[: _MOST_OF_EACH - 1])
    return setup


def _read_setup(slots: tuple[Raw, ...], has_reason: bool) -> Setup:
    sent = {name: bytes(raw) for name, raw in zip(_SETUP, slots, strict=True) if raw}
    for raw in sent.values():
        raw.decode()  # which nothing did yet, of what stays as it was written
        lossless_json.check_depth(raw)
    names = frozenset({*sent, "incomplete_details"} if has_reason else sent)
    return Setup(slots, has_reason, configuration.parse(sent), names)


def _counts(run: PlainRun) -> Counts | None:
    usage = b"null" if run.usage is UNSET else bytes(run.usage)
    return _NO_COUNTS if usage == b"null" else plain_usage(usage)


def _record(run: PlainRun, counts: Counts) -> RunRecord:
    error, reason = run.last_error or None, run.incomplete_details or None
    return RunRecord(
        run.id,
        datetime.fromtimestamp(run.created_at, UTC),
        run.assistant_id,
        run.thread_id,
        run.status,
        _moment(run.started_at),
        _moment(run.expires_at),
        _moment(run.cancelled_at),
        _moment(run.failed_at),
        _moment(run.completed_at),
        None,
        error.code if error else None,
        error.message if error else None,
        reason.reason if reason else None,
        *counts,
        None if run.metadata is UNSET else run.metadata,
        _absent(run),
        None,
    )


def _moment(seconds: int | UnsetType | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None


def _absent(run: PlainRun) -> int:
    values = _optional_of(run)
    if UNSET not in values:
        return 0
    return sum(bit for bit, value in zip(_OPTIONAL_BITS, values, strict=True) if value is UNSET)
