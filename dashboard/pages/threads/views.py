"""The threads of a project, and the page of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.threads.chart import build_thread_chart
from dashboard.pages.threads.conversation import PAGE_SIZE, ConversationCursor, fetch_conversation
from dashboard.ui import formats
from dashboard.ui.filter_controls import STATUS_ORDER, FilterToken
from dashboard.ui.run_list_address import RunListAddress
from dashboard.web import htmx, query_params
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import viewer_required
from runs.analytics import threads
from runs.analytics.recent_sample import MAX_SAMPLE_SIZE
from runs.db.keyset_pagination import Cursor
from runs.errors import Problem
from runs.models import Assistant, Message, Project
from runs.protocol.lossless_json import clean_text
from runs.query import RunFilters
from runs.query.order import parse_cursor

THREADS_PER_PAGE = 50
# Of each thread in the list, so that a page of giants costs no more than many rows.
MAX_RUNS_PER_THREAD = 1_000
THREAD_LIST_FRAGMENTS = {"rows": "pages/threads/_rows_page.html"}
THREAD_DETAIL_FRAGMENTS = {"entries": "pages/threads/_entries_page.html"}


@dataclass(frozen=True, slots=True)
class ThreadDetailParams:
    """What the address of a thread asks for: from where on, and whether messages are left out."""

    after: ConversationCursor | None = None
    runs_only: bool = False

    @classmethod
    def of(cls, request: HttpRequest) -> ThreadDetailParams:
        """Raises InvalidFilter."""
        given = query_params.read_query_params(request, "show", "cursor")
        if given.get("show", "runs") != "runs":
            raise query_params.build_params_error(Problem("show", "known is runs"))
        return cls(ConversationCursor.parse(given["cursor"]) if "cursor" in given else None, "show" in given)

    def query(self, after: ConversationCursor | None) -> str:
        """The query string of the same, from `after` on."""
        pairs = [("show", "runs")] if self.runs_only else []
        return "?" + urlencode([*pairs, *([] if after is None else [("cursor", str(after))])])


@dataclass(frozen=True, slots=True)
class ThreadAssistant:
    """An assistant; `name` is "" where it has none."""

    id: str
    name: str


def build_thread_assistants(assistant_ids: Iterable[str], names: Mapping[str, str]) -> list[ThreadAssistant]:
    """The assistants with those ids."""
    return [ThreadAssistant(each, names.get(each, "")) for each in assistant_ids]


@dataclass(frozen=True, slots=True)
class ThreadRow:
    """A thread of the list."""

    totals: threads.ThreadTotals
    assistants: list[ThreadAssistant]


@dataclass(frozen=True, slots=True)
class ThreadSummary:
    """What a thread comes to. `runs` is None where it is known by its messages alone; `names`: of assistants."""

    runs: threads.ThreadTotals | None
    messages: int
    first: datetime
    last: datetime
    names: dict[str, str]

    @property
    def assistants(self) -> list[ThreadAssistant]:
        """Whoever ran in it."""
        return build_thread_assistants(self.runs.assistants, self.names) if self.runs else []

    @property
    def span(self) -> str:
        """From the first thing known to the last."""
        return formats.format_duration(int((self.last - self.first).total_seconds() * 1000), spelled=True)

    @property
    def failure(self) -> str:
        """The query string of the part of the thread that begins with the first run that ended badly."""
        at = self.runs.first_unsuccessful_at if self.runs else None
        return "" if at is None else ThreadDetailParams().query(ConversationCursor.before(at))


@require_safe
@viewer_required
@handle_invalid_params
def thread_detail(request: HttpRequest, project: Project, thread_id: str) -> HttpResponse:
    """`threads/<thread_id>/`: a page of its messages and runs, from the beginning or behind `cursor`."""
    asked = ThreadDetailParams.of(request)
    now, stored_id = timezone.now(), clean_text(thread_id)
    facts = _facts(project, stored_id)
    found = fetch_conversation(project, stored_id, asked.after, now, runs_only=asked.runs_only, names=facts.names)
    is_whole = asked.after is None and found.further is None
    context = {
        "project": project,
        "thread_id": stored_id,
        "facts": facts,
        "asked": asked,
        "entries": found.entries,
        "chart": build_thread_chart(found.entries, now) if is_whole else None,
        "later": asked.query(found.further) if found.further else "",
        "page_size": PAGE_SIZE,
        "runs_url": _runs_url(project, stored_id),
        "most": MAX_SAMPLE_SIZE,
    }
    return htmx.render_page(request, "pages/threads/detail.html", context, THREAD_DETAIL_FRAGMENTS)


def _facts(project: Project, thread_id: str) -> ThreadSummary:
    """Raises Http404 where nothing is known of the thread."""
    totals = next(iter(threads.fetch_thread_totals(project, [thread_id])), None)
    said = Message.objects.in_thread(project, thread_id).count_and_span(MAX_SAMPLE_SIZE)
    moments = [said["first"], said["last"], *((totals.first_at, totals.last_at) if totals else ())]
    known = [moment for moment in moments if moment is not None]
    if not known:
        raise Http404("No such thread")
    names = Assistant.objects.names_by_id(project, totals.assistants if totals else ())
    return ThreadSummary(totals, said["count"], min(known), max(known), names)


def _runs_url(project: Project, thread_id: str) -> str:
    """The thread's runs in the run list."""
    return f"{reverse('runs', kwargs={'project': project.slug})}?{RunFilters(thread=(thread_id,)).to_query_string()}"


@require_safe
@viewer_required
@handle_invalid_params
def thread_list(request: HttpRequest, project: Project) -> HttpResponse:
    """`threads/`: the threads of the runs that match, the last active first; `cursor` is where it begins."""
    filters, after = parse_thread_list_params(request)
    found = threads.fetch_recent_threads(project, filters, after, THREADS_PER_PAGE, MAX_SAMPLE_SIZE)
    address = RunListAddress(reverse("threads", kwargs={"project": project.slug}))
    context = {
        "project": project,
        "filters": filters,
        "statuses": dict.fromkeys((*map(str, STATUS_ORDER), *filters.status)),
        "tokens": _tokens(filters, address),
        "rows": fetch_thread_rows(project, found.ids),
        "window": MAX_SAMPLE_SIZE if found.is_window_full else None,
        "after": after,
        "older": address.url(filters, found.next_cursor) if found.next_cursor else "",
        "newest": address.url(filters),
        "query": address.query_string(filters),
        "all": address.path,
        "page_size": THREADS_PER_PAGE,
        "most_runs": MAX_RUNS_PER_THREAD,
    }
    return htmx.render_page(request, "pages/threads/list.html", context, THREAD_LIST_FRAGMENTS)


def fetch_thread_rows(project: Project, thread_ids: Sequence[str]) -> list[ThreadRow]:
    """What those threads come to; two queries, however many."""
    found = threads.fetch_thread_totals(project, thread_ids, MAX_RUNS_PER_THREAD)
    names = Assistant.objects.names_by_id(project, {each for totals in found for each in totals.assistants})
    return [ThreadRow(totals, build_thread_assistants(totals.assistants, names)) for totals in found]


def parse_thread_list_params(request: HttpRequest) -> tuple[RunFilters, Cursor | None]:
    """Which threads the address asks for, and from where on. Raises InvalidFilter."""
    filters = RunFilters.parse_params(dict(request.GET.lists()), extra_params=("cursor",))
    given = query_params.read_query_param(request, "cursor")
    return filters, None if given is None else parse_cursor(given)


def _tokens(filters: RunFilters, address: RunListAddress) -> list[FilterToken]:
    """What is filtered by beside the controls of the form, and the address without each of it."""
    names = {"from": "since", "to": "until"}
    shown = [pair for pair in filters.to_params() if pair[0] not in ("q", "status")]
    return [
        FilterToken(name, value, address.url(_without(filters, names.get(name, name), value))) for name, value in shown
    ]


def _without(filters: RunFilters, name: str, value: str) -> RunFilters:
    return filters.without(name) if name in ("since", "until") else filters.toggle(name, value)
