"""The usual run, read in one go: every field in a shape that columns give back exactly.

`parse` does for the runs that servers send all day what `runs.protocol.run.parse` does for all, in a fraction of
the time. Whatever is unusual, from an unknown field to a number spelled `1.0`, gives None and is left to the
other; a test holds the two against each other.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from runs.protocol import configuration, text
from runs.protocol.configuration import MOST_REMEMBERED, ParsedConfiguration
from runs.protocol.fields import INDEXED_LENGTH
from runs.protocol.run import KNOWN, ParsedRun, finish
from runs.protocol.usage import PlainUsage

Short = Annotated[str, Meta(min_length=1, max_length=INDEXED_LENGTH)]
Seconds = Annotated[int, Meta(ge=0, lt=10**10)]
_NOT_SENT = Raw(b"")
_NEGATIVE_ZERO = re.compile(rb":\s*-0(?!\d)")  # an integer whose sign a column would lose


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
    usage: PlainUsage | UnsetType | None = UNSET
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
_TIMES = ("started_at", "expires_at", "cancelled_at", "failed_at", "completed_at")
_OBJECTS = ("required_action", "last_error", "incomplete_details", "usage", "metadata")
_optional_of = attrgetter(*_TIMES, *_OBJECTS)
_OPTIONAL_BITS = tuple(_BITS[name] for name in (*_TIMES, *_OBJECTS))
_NO_COUNTS = (None,) * 5
_INCOMPLETE = frozenset({"incomplete_details"})


def parse(raw: bytes) -> ParsedRun | None:
    """The run of which `raw` is the JSON text, if it is a usual one. Raises InvalidObject for its configuration."""
    if b"\\u0000" in raw or (b"-0" in raw and _NEGATIVE_ZERO.search(raw)):
        return None
    try:
        raw.decode()
        run = _decoder.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    parsed, names = _setup(tuple(map(bytes, _setup_of(run))))
    if run.incomplete_details is not UNSET:
        names |= _INCOMPLETE
    absent = 0
    for bit, value in zip(_OPTIONAL_BITS, _optional_of(run), strict=True):
        if value is UNSET:
            absent |= bit
    return finish(_columns(run), absent, None, parsed, names)


def _setup(slots: tuple[bytes, ...]) -> tuple[ParsedConfiguration, frozenset[str]]:
    """The configuration in `slots`, empty where a field was not sent, and the names of the fields that were."""
    if sum(map(len, slots)) > MOST_REMEMBERED:
        return _read_setup(slots)
    return _remembered_setup(slots)


@lru_cache(maxsize=1024)
def _remembered_setup(slots: tuple[bytes, ...]) -> tuple[ParsedConfiguration, frozenset[str]]:
    return _read_setup(slots)


def _read_setup(slots: tuple[bytes, ...]) -> tuple[ParsedConfiguration, frozenset[str]]:
    sent = {name: raw for name, raw in zip(_SETUP, slots, strict=True) if raw}
    for raw in sent.values():
        text.check_depth(raw)
    return configuration.parse(sent), frozenset(sent)


def _columns(run: PlainRun) -> dict[str, Any]:
    error, reason, usage = run.last_error or None, run.incomplete_details or None, run.usage or None
    counts = usage.columns() if usage else _NO_COUNTS
    return {
        "external_id": run.id,
        "created_at": datetime.fromtimestamp(run.created_at, UTC),
        "assistant_id": run.assistant_id,
        "thread_id": run.thread_id,
        "status": run.status,
        "started_at": _moment(run.started_at),
        "expires_at": _moment(run.expires_at),
        "cancelled_at": _moment(run.cancelled_at),
        "failed_at": _moment(run.failed_at),
        "completed_at": _moment(run.completed_at),
        "required_action": None,
        "error_code": error.code if error else None,
        "error_message": error.message if error else None,
        "incomplete_reason": reason.reason if reason else None,
        "prompt_tokens": counts[0],
        "completion_tokens": counts[1],
        "total_tokens": counts[2],
        "cached_tokens": counts[3],
        "reasoning_tokens": counts[4],
        "metadata": None if run.metadata is UNSET else run.metadata,
    }


def _moment(seconds: int | UnsetType | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None
