"""Which failures are of one kind: status, code, and the message with everything that varies taken out.

Pure and quick, since ingest asks for every run that ends badly. What a template looks like decides which runs
share a group, so a change to it is a new `VERSION`, which every group's key contains.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from uuid import UUID, uuid5

from runs.enrichment.error_grouping.message import (
    MessagePart,
    build_template,
    split_message,
    split_template,
    truncate_message,
)

__all__ = [
    "GROUPING_VERSION",
    "ErrorSignature",
    "MessagePart",
    "build_error_signature",
    "build_template",
    "make_error_group_id",
    "split_message",
    "split_template",
]

GROUPING_VERSION = 1

# These are on their way, or ended as somebody wanted; any other status with an error is taken as a bad end.
_SUCCESSFUL_STATUSES = frozenset({"queued", "in_progress", "requires_action", "cancelling", "cancelled", "completed"})
_FAILED_STATUSES = frozenset({"failed", "incomplete", "expired"})
_MAX_CODE_LENGTH = 200  # characters; a few servers write sentences into the code
_MAX_NAMES = 5
_INCOMPLETE_MESSAGES = {
    "max_completion_tokens": "Stopped at the limit of <n> completion tokens.",
    "max_prompt_tokens": "Stopped at the limit of <n> prompt tokens.",
    "content_filter": "Stopped by the content filter.",
}


@dataclass(frozen=True, slots=True)
class ErrorSignature:
    """A kind of bad end. `code` is an error's code or an incomplete run's reason; `template` "" has no message."""

    status: str
    code: str | None
    template: str


def build_error_signature(
    status: str, code: str | None, message: str | None, reason: str | None, awaited: Sequence[str] | None
) -> ErrorSignature | None:
    """The group of a run by its status, `last_error`, incomplete reason and the names of the calls it waited for.

    None for a run that did not end badly.
    """
    if status in _SUCCESSFUL_STATUSES or (status not in _FAILED_STATUSES and not code and not message):
        return None
    if status == "incomplete":
        code = reason or code
    elif status == "expired":
        code = code or "expired"
    # what only an incomplete or an expired run has to say, and no error's message says better
    words = "" if message else _status_message(status, code, awaited)
    return (
        _make_signature(status, code or None, words)
        if words
        else _signature_of_message(status, code or None, truncate_message(message))
    )


@lru_cache(maxsize=4096)
def make_error_group_id(namespace: UUID, group: ErrorSignature) -> UUID:
    """The id of a group within a namespace (its project's): one for the same group, for this version alone."""
    return uuid5(namespace, json.dumps([GROUPING_VERSION, group.status, group.code, group.template]))


@lru_cache(maxsize=512)
def _signature_of_message(status: str, code: str | None, message: str) -> ErrorSignature:
    return _make_signature(status, code, build_template(message))


def _make_signature(status: str, code: str | None, words: str) -> ErrorSignature:
    is_sentence = code is not None and any(map(str.isspace, code))
    return ErrorSignature(status, build_template(code)[:_MAX_CODE_LENGTH] if code and is_sentence else code, words)


def _status_message(status: str, code: str | None, awaited: Sequence[str] | None) -> str:
    if status == "incomplete":
        return _INCOMPLETE_MESSAGES.get(code or "", "")
    if status == "expired":
        return _expiry_message(sorted({name for name in awaited or () if name}))
    return ""


def _expiry_message(names: list[str]) -> str:
    if not names:
        return "Not done before it expired."
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return f"No output of {', '.join(names[:_MAX_NAMES])}{more} before it expired."
