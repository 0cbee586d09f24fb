"""The course of a thread: what was said and what ran, in the order of time, page by page."""

from __future__ import annotations

import base64
import binascii
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from heapq import merge
from itertools import islice
from typing import Any, NamedTuple

from django.utils.safestring import SafeString

from dashboard.ui import json_view, markdown, run_rows, truncated_text
from dashboard.ui.posted_object import as_mapping, as_text
from dashboard.ui.truncated_text import TruncatedText
from runs.errors import InvalidFilter, Problem
from runs.models import Message, Project, Run, RunStep
from runs.models.thread_order import ANSWER_RANK, QUESTION_RANK, RUN_RANK

PAGE_SIZE = 100
_BEFORE_ALL_RANKS = QUESTION_RANK - 1
_REFERENCE_FIELDS = ("file_id", "url", "id")


class ConversationCursor(NamedTuple):
    """Where something stands in a thread; a page begins behind it."""

    at: datetime
    rank: int
    key: uuid.UUID

    @classmethod
    def before(cls, moment: datetime) -> ConversationCursor:
        """The place before everything of that moment."""
        return cls(moment, _BEFORE_ALL_RANKS, uuid.UUID(int=0))

    @classmethod
    def parse(cls, text: str) -> ConversationCursor:
        """Read what `str()` gave. Raises InvalidFilter."""
        try:
            at, rank, key = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode().split(" ")
            place = cls(datetime.fromisoformat(at).astimezone(UTC), int(rank), uuid.UUID(key))
        except (ValueError, binascii.Error, OverflowError) as error:
            raise _refusal() from error
        if str(place) != text or not _BEFORE_ALL_RANKS <= place.rank <= ANSWER_RANK:
            raise _refusal()
        return place

    def __str__(self) -> str:
        text = f"{self.at.astimezone(UTC).isoformat()} {self.rank} {self.key}"
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _refusal() -> InvalidFilter:
    return InvalidFilter("cursor: not a cursor", [Problem("cursor", "not a cursor")])


@dataclass(frozen=True, slots=True)
class MessageEntry:
    """A message. What the assistant writes is Markdown; what people type is text, line by line."""

    message: Message
    html: SafeString | None
    text: TruncatedText | None
    others: tuple[str, ...]  # content that is no text: its type and what it refers to
    assistant: str | None  # the name of the one that wrote it, where it has one

    @property
    def place(self) -> ConversationCursor:
        return ConversationCursor(
            self.message.created_at, QUESTION_RANK if self.message.role == "user" else ANSWER_RANK, self.message.pk
        )

    @property
    def who(self) -> str:
        if self.message.role == "assistant" and self.assistant:
            return self.assistant
        return self.message.role.capitalize() if self.message.role in ("user", "assistant") else self.message.role


@dataclass(frozen=True, slots=True)
class RunEntry:
    """A run, in the words of the run list."""

    run: Run
    duration: str
    ended: bool
    note: run_rows.RunNote | None
    called: list[tuple[str, int]]

    @property
    def place(self) -> ConversationCursor:
        return ConversationCursor(self.run.created_at, RUN_RANK, self.run.pk)

    @property
    def calls(self) -> int:
        return sum(count for _, count in self.called)


@dataclass(frozen=True, slots=True)
class ConversationPage:
    """One page of a thread; `further` is where the next one begins."""

    entries: list[MessageEntry | RunEntry]
    further: ConversationCursor | None


def fetch_conversation(
    project: Project,
    thread_id: str,
    after: ConversationCursor | None,
    now: datetime,
    *,
    runs_only: bool,
    names: Mapping[str, str] = run_rows.NO_NAMES,
) -> ConversationPage:
    """The page behind `after`; three queries at most, however long the thread is. `names`: of assistants, by id."""
    runs = Run.objects.in_thread(project, thread_id).in_thread_order(after).for_list()[: PAGE_SIZE + 1]
    messages: Iterable[Message] = ()
    if not runs_only:
        messages = (
            Message.objects.in_thread(project, thread_id).in_thread_order(after).for_thread_page()[: PAGE_SIZE + 1]
        )
    sources: tuple[Iterable[MessageEntry | RunEntry], ...] = (
        (_said(each, names) for each in messages),
        _ran(list(runs), now),
    )
    found = list(islice(merge(*sources, key=_place), PAGE_SIZE + 1))
    entries = found[:PAGE_SIZE]
    return ConversationPage(entries, entries[-1].place if len(found) > PAGE_SIZE else None)


def _place(entry: MessageEntry | RunEntry) -> ConversationCursor:
    return entry.place


def _ran(runs: list[Run], now: datetime) -> Iterator[RunEntry]:
    called = RunStep.objects.count_tools_by_run([run.pk for run in runs]) if runs else {}
    for row in run_rows.build_run_rows(runs, called, "", now):
        yield RunEntry(row.run, row.duration, row.has_ended, row.note, list(called.get(row.run.pk, Counter()).items()))


def _said(message: Message, names: Mapping[str, str]) -> MessageEntry:
    text = truncated_text.truncate_text(message.text) if message.text else None
    is_rendered = text is not None and not text.is_truncated and message.role != "user"
    html = markdown.render_markdown(text.full) if text is not None and is_rendered else None
    name = names.get(message.assistant_id or "")
    return MessageEntry(message, html, None if is_rendered else text, tuple(_others(message.content)), name)


def _others(content: str | None) -> Iterator[str]:
    """`image_file file-abc`; in the words of whoever sent it."""
    parts = None if content is None else json_view.parse_json_for_display(content)
    for part in parts if isinstance(parts, list) else ():
        kind = as_text(as_mapping(part).get("type"))
        if kind is not None and kind != "text":
            yield f"{kind} {_reference(as_mapping(part).get(kind))}".strip()


def _reference(inner: Any) -> str:
    found = (as_text(as_mapping(inner).get(name)) for name in _REFERENCE_FIELDS)
    return next((each for each in found if each is not None), "")
