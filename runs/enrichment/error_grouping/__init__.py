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

from runs.enrichment.error_grouping.message import Part, parts, places, template, within_reach

__all__ = ["VERSION", "Group", "Part", "group_of", "key", "parts", "places", "template"]

VERSION = 1

# These are on their way, or ended as somebody wanted; any other status with an error is taken as a bad end.
_NOT_BAD = frozenset({"queued", "in_progress", "requires_action", "cancelling", "cancelled", "completed"})
_ALWAYS_BAD = frozenset({"failed", "incomplete", "expired"})
_LONGEST_CODE = 200  # characters; a few servers write sentences into the code
_MOST_NAMES = 5
_REASONS = {
    "max_completion_tokens": "Stopped at the limit of <n> completion tokens.",
    "max_prompt_tokens": "Stopped at the limit of <n> prompt tokens.",
    "content_filter": "Stopped by the content filter.",
}


@dataclass(frozen=True, slots=True)
class Group:
    """A kind of bad end. `code` is an error's code or an incomplete run's reason; `template` "" has no message."""

    status: str
    code: str | None
    template: str


def group_of(
    status: str, code: str | None, message: str | None, reason: str | None, awaited: Sequence[str] | None
) -> Group | None:
    """The group of a run by its status, `last_error`, incomplete reason and the names of the calls it waited for.

    None for a run that did not end badly.
    """
    if status in _NOT_BAD or (status not in _ALWAYS_BAD and not code and not message):
        return None
    if status == "incomplete":
        code = reason or code
    elif status == "expired":
        code = code or "expired"
    # what only an incomplete or an expired run has to say, and no error's message says better
    words = "" if message else _own_words(status, code, awaited)
    return _group(status, code or None, words) if words else _of_message(status, code or None, within_reach(message))


@lru_cache(maxsize=4096)
def key(namespace: UUID, group: Group) -> UUID:
    """The id of a group within a namespace (its project's): one for the same group, for this version alone."""
    return uuid5(namespace, json.dumps([VERSION, group.status, group.code, group.template]))


@lru_cache(maxsize=512)
def _of_message(status: str, code: str | None, message: str) -> Group:
    return _group(status, code, template(message))


def _group(status: str, code: str | None, words: str) -> Group:
    is_sentence = code is not None and any(map(str.isspace, code))
    return Group(status, template(code)[:_LONGEST_CODE] if code and is_sentence else code, words)


def _own_words(status: str, code: str | None, awaited: Sequence[str] | None) -> str:
    if status == "incomplete":
        return _REASONS.get(code or "", "")
    if status == "expired":
        return _never_came(sorted({name for name in awaited or () if name}))
    return ""


def _never_came(names: list[str]) -> str:
    if not names:
        return "Not done before it expired."
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"No output of {', '.join(names[:_MOST_NAMES])}{more} before it expired."
