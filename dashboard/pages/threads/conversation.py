"""The conversation of a thread: its messages and runs in chronological order, page by page."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge
from itertools import islice
from typing import NamedTuple

from django.utils.safestring import SafeString

from dashboard.ui import json_view, markdown
from dashboard.ui.posted_object import as_mapping, as_text
from dashboard.ui.run_rows import RunNote, build_run_note, format_run_duration
from dashboard.ui.truncated_text import TruncatedText, truncate_text
from runs.analytics.recent_sample import MAX_SAMPLE_SIZE
from runs.models import Message, Project, Run, RunStep
from runs.models.thread_order import ANSWER_RANK, QUESTION_RANK, RUN_RANK
from runs.protocol.run import TERMINAL_RUN_STATUSES

PAGE_SIZE = 100
MAX_MESSAGE_BYTES = 4 * 1024 * 1024  # of content, of the messages of a page
_BEFORE_ALL_RANKS = QUESTION_RANK - 1
# The members of a content part that may name what the part refers to.
_REFERENCE_FIELDS = ("file_id", "url", "id")


class ConversationCursor(NamedTuple):
    """The position of an entry in a thread. A page starts after it."""

    at: datetime
    rank: int
    key: uuid.UUID

    @classmethod
    def before(cls, moment: datetime) -> ConversationCursor:
        """Return the position before all entries of a moment."""
        return cls(moment, _BEFORE_ALL_RANKS, uuid.UUID(int=0))

    @classmethod
    def parse(cls, text: str) -> ConversationCursor:
        """Parse the text of a cursor. Raises ValueError."""
        try:
            at, rank, key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split(" ")
            cursor = cls(datetime.fromisoformat(at).astimezone(UTC), int(rank), uuid.UUID(key))
        except (ValueError, binascii.Error, OverflowError) as error:
            raise ValueError("not a cursor") from error
        if str(cursor) != text or not _BEFORE_ALL_RANKS <= cursor.rank <= ANSWER_RANK:
            raise ValueError("not a cursor")
        return cursor

    def __str__(self) -> str:
        """Return the text that `parse` reads."""
        text = f"{self.at.astimezone(UTC).isoformat()} {self.rank} {self.key}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


@dataclass(frozen=True, slots=True)
class MessageEntry:
    """A message. Those of assistants are rendered as Markdown, those of users are plain text.

    `other_content` describes the content parts that are not text. `assistant_name` is the name of its author, if it
    is an assistant with a name.
    """

    message: Message
    html: SafeString | None
    text: TruncatedText | None
    other_content: tuple[str, ...]
    assistant_name: str | None

    @property
    def cursor(self) -> ConversationCursor:
        """The position of the message."""
        return _get_message_cursor(self.message)

    @property
    def author(self) -> str:
        """The name of the assistant, or the role."""
        role = self.message.role
        if role == "assistant" and self.assistant_name:
            return self.assistant_name
        return role.capitalize() if role in ("user", "assistant") else role


@dataclass(frozen=True, slots=True)
class RunEntry:
    """A run. `tool_counts` are the tools that it called, with the number of calls.

    `number` counts the runs of the thread from 1; None in a thread that is too long to count.
    """

    run: Run
    number: int | None
    duration: str
    has_ended: bool
    note: RunNote | None
    tool_counts: list[tuple[str, int]]

    @property
    def cursor(self) -> ConversationCursor:
        """The position of the run."""
        return ConversationCursor(self.run.created_at, RUN_RANK, self.run.pk)

    @property
    def call_count(self) -> int:
        """The number of tool calls."""
        return sum(count for _, count in self.tool_counts)


@dataclass(frozen=True, slots=True)
class ConversationPage:
    """A page of a thread. `next_cursor` is None on the last page."""

    entries: list[MessageEntry | RunEntry]
    next_cursor: ConversationCursor | None


def fetch_conversation(
    project: Project,
    thread_id: str,
    after: ConversationCursor | None,
    now: datetime,
    assistant_names: Mapping[str, str],
    *,
    runs_only: bool,
) -> ConversationPage:
    """Fetch the page after a cursor. Takes at most four queries, however long the thread is.

    A page with large messages ends after at most `MAX_MESSAGE_BYTES` of them.
    """
    limit = PAGE_SIZE + 1
    runs = list(Run.objects.in_thread(project, thread_id).in_thread_order(after).for_list()[:limit])
    messages: list[Message] = []
    if not runs_only:
        in_thread = Message.objects.in_thread(project, thread_id)
        messages = list(in_thread.for_thread_page(after, max_rows=limit, max_bytes=MAX_MESSAGE_BYTES))
    sources: tuple[Iterable[MessageEntry | RunEntry], ...] = (
        (_build_message_entry(message, assistant_names) for message in messages),
        _build_run_entries(runs, _count_up_to(runs[0], after) if runs else None, now),
    )
    merged = list(islice(merge(*sources, key=lambda entry: entry.cursor), limit))
    entries, has_more = merged[:PAGE_SIZE], len(merged) > PAGE_SIZE
    if messages and messages[0].row_count > len(messages):
        # What follows the last message that was read may follow one that was not.
        last = _get_message_cursor(messages[-1])
        entries, has_more = [entry for entry in entries if entry.cursor <= last], True
    return ConversationPage(entries, entries[-1].cursor if has_more else None)


def _get_message_cursor(message: Message) -> ConversationCursor:
    rank = QUESTION_RANK if message.role == "user" else ANSWER_RANK
    return ConversationCursor(message.created_at, rank, message.pk)


def _count_up_to(first_run: Run, after: ConversationCursor | None) -> int | None:
    """Return the number of the first run of a page; None if the thread has too many runs to count."""
    if after is None:
        return 1
    position = Run.objects.position_in_thread(first_run, MAX_SAMPLE_SIZE)
    return position[0] if position else None


def _build_run_entries(runs: list[Run], first_number: int | None, now: datetime) -> Iterator[RunEntry]:
    tools_by_run = RunStep.objects.count_tools_by_run([run.pk for run in runs]) if runs else {}
    for index, run in enumerate(runs):
        tools = tools_by_run.get(run.pk)
        yield RunEntry(
            run=run,
            number=None if first_number is None else first_number + index,
            duration=format_run_duration(run, now),
            has_ended=run.status in TERMINAL_RUN_STATUSES,
            note=build_run_note(run, now),
            tool_counts=list(tools.items()) if tools else [],
        )


def _build_message_entry(message: Message, assistant_names: Mapping[str, str]) -> MessageEntry:
    text = truncate_text(message.text) if message.text else None
    html = None
    if text is not None and not text.is_truncated and message.role != "user":
        html, text = markdown.render_markdown(text.full), None
    name = assistant_names.get(message.assistant_id or "")
    return MessageEntry(message, html, text, tuple(_describe_other_content(message.content)), name)


def _describe_other_content(content: str | None) -> Iterator[str]:
    """Yield the type and the reference of each content part that is not text, such as `image_file file-abc`."""
    parts = None if content is None else json_view.parse_json_for_display(content)
    for posted in parts if isinstance(parts, list) else ():
        part = as_mapping(posted)
        kind = as_text(part.get("type"))
        if kind is not None and kind != "text":
            body = as_mapping(part.get(kind))
            references = (as_text(body.get(name)) for name in _REFERENCE_FIELDS)
            reference = next((text for text in references if text is not None), "")
            yield f"{kind} {reference}".strip()
