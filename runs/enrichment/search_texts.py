"""The texts of messages and tool calls that are searched: which, and up to which length.

Each row is derived from one record alone, so that the order in which records arrive does not matter. Which run a
message of a user belongs to is decided when runs are searched (`runs.query.content_search`).

Long texts cost more than they help: an index over trigrams takes about twice the bytes of short texts, and comparing a
text with a pattern takes time that grows with its length. So the beginning of each text is searched.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from runs.models import Project, SearchText
from runs.models.search_text import CALL_SEPARATOR, MAX_SEARCHED_LENGTH, MAX_SEARCHED_STEP_LENGTH
from runs.protocol.fields import truncate_indexed
from runs.protocol.tool_call_texts import ToolCallTexts, read_pending_call_texts, read_tool_call_texts

# Calls of one step whose ids are searched. Postgres indexes at most 1 MB of them.
MAX_SEARCHED_CALLS = 2000


class SearchedMessage(Protocol):
    """The fields of a message that its row is derived from."""

    external_id: str
    created_at: datetime
    thread_id: str
    run_external_id: str | None
    role: str
    text: str


class SearchedStep(Protocol):
    """The fields of a step that its row is derived from."""

    external_id: str
    run_external_id: str
    created_at: datetime
    details: str | None


class SearchedRun(Protocol):
    """The fields of a run that the row of its pending calls is derived from."""

    external_id: str
    created_at: datetime
    required_action: str | None


class SearchTextRow(NamedTuple):
    """The columns of a `SearchText` that are derived from a record. The id is given by its hexadecimal digits."""

    id: str
    kind: int
    run_id: str | None
    thread_id: str | None
    created_at: datetime
    said: str | None
    arguments: str | None = None
    output: str | None = None
    call_ids: tuple[str, ...] | None = None


_KIND_BY_ROLE = {"user": SearchText.Kind.ASKED, "assistant": SearchText.Kind.ANSWERED}


def derive_message_text(project: Project, key: str, message: SearchedMessage) -> SearchTextRow | None:
    """Return the row of the message with the stored id `key`, as hexadecimal digits; None if it has no text."""
    if not message.text.strip():
        return None
    run_id = None if message.run_external_id is None else project.record_id_hex(message.run_external_id)
    return SearchTextRow(
        id=key,
        kind=int(_KIND_BY_ROLE.get(message.role, SearchText.Kind.OTHER_MESSAGE)),
        run_id=run_id,
        thread_id=message.thread_id if run_id is None else None,
        created_at=message.created_at,
        said=message.text[:MAX_SEARCHED_LENGTH],
    )


def derive_step_text(project: Project, step: SearchedStep) -> SearchTextRow | None:
    """Return the row of a step, or None if it calls no tool."""
    calls = list(read_tool_call_texts(step.details))
    return _build_calls_row(project, step.run_external_id, step.external_id, step.created_at, calls) if calls else None


def derive_pending_calls_text(project: Project, run: SearchedRun) -> SearchTextRow | None:
    """Return the row of the calls that a run waits for, or None. They may stand in no step."""
    calls = list(read_pending_call_texts(run.required_action)) if run.required_action is not None else []
    return _build_calls_row(project, run.external_id, "", run.created_at, calls) if calls else None


def _build_calls_row(
    project: Project, run_external_id: str, step_id: str, created_at: datetime, calls: Sequence[ToolCallTexts]
) -> SearchTextRow:
    run_id = project.record_id_hex(run_external_id)
    ids = (truncate_indexed(call.call_id) for call in calls[:MAX_SEARCHED_CALLS] if call.call_id)
    return SearchTextRow(
        id=make_calls_text_id(run_id, step_id),
        kind=int(SearchText.Kind.CALLS),
        run_id=run_id,
        thread_id=None,
        created_at=created_at,
        said=None,
        arguments=_join_texts(calls, lambda call: call.arguments),
        output=_join_texts(calls, lambda call: call.output),
        call_ids=tuple(dict.fromkeys(ids)) or None,
    )


def make_calls_text_id(run_id: str, step_id: str = "") -> str:
    """Return the id of the row of a step's calls, or of those that a run waits for, which have no step.

    Both ids of records are those in the step's key.
    """
    return hashlib.blake2b(f"{run_id}{step_id}".encode(), digest_size=16).hexdigest()


def _join_texts(calls: Iterable[ToolCallTexts], get_text: Callable[[ToolCallTexts], str]) -> str | None:
    texts = [get_text(call)[:MAX_SEARCHED_LENGTH] for call in calls]
    return CALL_SEPARATOR.join(texts)[:MAX_SEARCHED_STEP_LENGTH] if any(texts) else None
