"""Error signatures: runs that fail for the same reason share status, code and the template of their message.

A template is a message in which everything that varies is replaced by a placeholder. Signatures are pure functions of
a run's fields, and fast, because ingest builds one for every failed run. Since templates decide which runs share a
group, any change to them needs a new `GROUPING_VERSION`, which is part of the id of every group.
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

# Runs that are active, or that ended as intended. With any other status, an error makes a run a failed one.
_SUCCESSFUL_STATUSES = frozenset({"queued", "in_progress", "requires_action", "cancelling", "cancelled", "completed"})
_FAILED_STATUSES = frozenset({"failed", "incomplete", "expired"})
_MAX_CODE_LENGTH = 200  # characters; a few servers write sentences into the code
_MAX_NAMES = 5
_INCOMPLETE_MESSAGES = {
    "max_completion_tokens": "Stopped at the limit of <n> completion tokens.",
    "max_prompt_tokens": "Stopped at the limit of <n> prompt tokens.",
    "content_filter": "Stopped by the content filter.",
}
_EXPIRED_MESSAGE = "Expired before finishing."
# Sentences of ours that were reworded. Ids are still hashes of the former ones, so that groups keep their decisions.
_FORMER_MESSAGES = {_EXPIRED_MESSAGE: "Not done before it expired."}


@dataclass(frozen=True, slots=True)
class ErrorSignature:
    """The code and message template that the failed runs of one group share.

    `code` is the code of the error, or the reason of an incomplete run. `template` is "" if there is no message.
    """

    status: str
    code: str | None
    template: str


def build_error_signature(
    status: str, code: str | None, message: str | None, reason: str | None, pending_functions: Sequence[str] | None
) -> ErrorSignature | None:
    """Return the signature of a run, None if it did not fail.

    Args:
        status: the run's status.
        code: the code of its `last_error`.
        message: the message of its `last_error`.
        reason: the reason why it is incomplete.
        pending_functions: the names of the tool calls whose outputs it waited for.
    """
    if status in _SUCCESSFUL_STATUSES or (status not in _FAILED_STATUSES and not code and not message):
        return None
    if status == "incomplete":
        code = reason or code
    elif status == "expired":
        code = code or "expired"
    if not message:
        # incomplete and expired runs rarely have an error
        template = ""
        if status == "incomplete":
            template = _INCOMPLETE_MESSAGES.get(code or "", "")
        elif status == "expired":
            template = _expiry_message(sorted({name for name in pending_functions or () if name}))
        if template:
            return _make_signature(status, code or None, template)
    return _signature_of_message(status, code or None, truncate_message(message))


@lru_cache(maxsize=4096)
def make_error_group_id(namespace: UUID, signature: ErrorSignature) -> UUID:
    """Return the id of the group of `signature` in a project's namespace, for this version of grouping."""
    template = _FORMER_MESSAGES.get(signature.template, signature.template)
    return uuid5(namespace, json.dumps([GROUPING_VERSION, signature.status, signature.code, template]))


@lru_cache(maxsize=512)
def _signature_of_message(status: str, code: str | None, message: str) -> ErrorSignature:
    return _make_signature(status, code, build_template(message))


def _make_signature(status: str, code: str | None, template: str) -> ErrorSignature:
    if code is not None and any(map(str.isspace, code)):  # a sentence
        code = build_template(code)[:_MAX_CODE_LENGTH]
    return ErrorSignature(status, code, template)


def _expiry_message(names: list[str]) -> str:
    if not names:
        return _EXPIRED_MESSAGE
    more = f" and {len(names) - _MAX_NAMES} more" if len(names) > _MAX_NAMES else ""
    return f"No output of {', '.join(names[:_MAX_NAMES])}{more} before it expired."
