"""The totals of threads: the rows of the list, and the summary of one thread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dashboard.pages.threads.conversation import ConversationCursor
from dashboard.pages.threads.params import ThreadDetailParams
from dashboard.ui import formats
from runs.analytics.recent_sample import MAX_SAMPLE_SIZE
from runs.analytics.run_messages import fetch_first_questions
from runs.analytics.threads import ThreadTotals, fetch_thread_totals
from runs.models import Assistant, Message, Project

# The list counts no more runs of each thread, so that a page of very long threads stays fast.
MAX_RUNS_PER_THREAD = 1_000


@dataclass(frozen=True, slots=True)
class ThreadAssistant:
    """An assistant. `name` is "" if it has none."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class ThreadRow:
    """A thread in the list. `question` is its first message of a user, as a line; "" if there is none."""

    totals: ThreadTotals
    assistants: list[ThreadAssistant]
    question: str = ""


def fetch_thread_rows(project: Project, thread_ids: Sequence[str]) -> list[ThreadRow]:
    """Fetch the rows of threads. Takes three queries."""
    totals = fetch_thread_totals(project, thread_ids, MAX_RUNS_PER_THREAD)
    names = Assistant.objects.names_by_id(project, {name for thread in totals for name in thread.assistants})
    questions = fetch_first_questions(project, thread_ids)
    return [
        ThreadRow(thread, _build_assistants(thread.assistants, names), questions.get(thread.thread_id, ""))
        for thread in totals
    ]


@dataclass(frozen=True, slots=True)
class ThreadSummary:
    """The totals of one thread. `runs` is None if it has messages only."""

    runs: ThreadTotals | None
    message_count: int
    first_at: datetime
    last_at: datetime
    assistant_names: dict[str, str]

    @property
    def assistants(self) -> list[ThreadAssistant]:
        """The assistants of its runs."""
        return _build_assistants(self.runs.assistants, self.assistant_names) if self.runs else []

    @property
    def span(self) -> str:
        """The time from the first to the last activity."""
        return formats.format_duration(int((self.last_at - self.first_at).total_seconds() * 1000))

    @property
    def first_unsuccessful_query(self) -> str:
        """The query string of the page that starts with the first unsuccessful run, or ""."""
        at = self.runs.first_unsuccessful_at if self.runs else None
        return "" if at is None else ThreadDetailParams(after=ConversationCursor.before(at)).query_string()


def fetch_thread_summary(project: Project, thread_id: str) -> ThreadSummary | None:
    """Fetch the summary of a thread, or None if it has neither runs nor messages. Takes three queries."""
    totals = next(iter(fetch_thread_totals(project, [thread_id])), None)
    messages = Message.objects.in_thread(project, thread_id).count_and_span(MAX_SAMPLE_SIZE)
    moments = [messages["first"], messages["last"], *((totals.first_at, totals.last_at) if totals else ())]
    known = [moment for moment in moments if moment is not None]
    if not known:
        return None
    names = Assistant.objects.names_by_id(project, totals.assistants if totals else ())
    return ThreadSummary(totals, messages["count"], min(known), max(known), names)


def _build_assistants(assistant_ids: Iterable[str], names: Mapping[str, str]) -> list[ThreadAssistant]:
    return [ThreadAssistant(assistant_id, names.get(assistant_id, "")) for assistant_id in assistant_ids]
