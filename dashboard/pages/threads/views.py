"""The list of threads, and the page of one thread."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from dashboard.pages.threads import conversation
from dashboard.pages.threads.chart import build_thread_chart
from dashboard.pages.threads.params import ThreadDetailParams, ThreadListParams
from dashboard.pages.threads.summary import MAX_RUNS_PER_THREAD, fetch_thread_rows, fetch_thread_summary
from dashboard.ui.filter_controls import build_time_range_options, format_time_range_label, status_rank
from dashboard.ui.run_list_address import run_list_path
from dashboard.web import htmx
from dashboard.web.invalid_params import handle_invalid_params
from dashboard.web.permissions import viewer_required
from dashboard.web.query_control import QueryControl
from dashboard.web.timezone import get_reader_timezone
from runs.analytics.recent_sample import MAX_SAMPLE_SIZE
from runs.analytics.run_messages import fetch_first_questions
from runs.analytics.threads import fetch_recent_threads, fetch_thread_status_counts
from runs.models import Project
from runs.protocol.lossless_json import clean_text
from runs.query import RunFilters

THREADS_PER_PAGE = 50
THREAD_LIST_FRAGMENTS = {"rows": "pages/threads/_rows_page.html"}
THREAD_DETAIL_FRAGMENTS = {"entries": "pages/threads/_entries_page.html"}


@require_safe
@viewer_required
@handle_invalid_params
def thread_list(request: HttpRequest, project: Project) -> HttpResponse:
    """Render the threads of the runs that match the filters, most recently active first."""
    # 1. Parse
    params = ThreadListParams.parse(request.GET)
    filters = params.filters

    # 2. Fetch
    threads = fetch_recent_threads(project, filters, params.after, THREADS_PER_PAGE, MAX_SAMPLE_SIZE)
    rows = fetch_thread_rows(project, threads.ids)

    # 3. Render
    path = reverse("threads", kwargs={"project": project.slug})
    time_ranges = build_time_range_options(filters, lambda changed: path + ThreadListParams(changed).query_string())
    context = {
        "project": project,
        "params": params,
        "filters": filters,
        "status_options": partial(_build_status_options, project, filters),
        "time_ranges": time_ranges,
        "time_range_label": format_time_range_label(time_ranges, filters, timezone.now()),
        "max_sample_size": MAX_SAMPLE_SIZE,
        "query_field": _build_query_field(filters, path),
        "rows": rows,
        "window": MAX_SAMPLE_SIZE if threads.is_window_full else None,
        "all_url": path,
        "first_page_url": path + ThreadListParams(filters).query_string(),
        "next_page_url": path + params.query_string(after=threads.next_cursor) if threads.next_cursor else "",
        "download_query": ThreadListParams(filters).query_string(),
        "page_size": THREADS_PER_PAGE,
        "max_runs_per_thread": MAX_RUNS_PER_THREAD,
    }
    return htmx.render_page(request, "pages/threads/list.html", context, THREAD_LIST_FRAGMENTS)


@require_safe
@viewer_required
@handle_invalid_params
def thread_detail(request: HttpRequest, project: Project, thread_id: str) -> HttpResponse:
    """Render a page of the messages and runs of a thread."""
    # 1. Parse
    params = ThreadDetailParams.parse(request.GET)
    thread_id = clean_text(thread_id)
    now = timezone.now()

    # 2. Fetch
    summary = fetch_thread_summary(project, thread_id)
    if summary is None:
        raise Http404("No such thread")
    page = conversation.fetch_conversation(
        project, thread_id, params.after, now, summary.assistant_names, runs_only=params.runs_only
    )

    # 3. Render
    is_whole = params.after is None and page.next_cursor is None
    context = {
        "project": project,
        "thread_id": thread_id,
        "params": params,
        "summary": summary,
        "question": fetch_first_questions(project, [thread_id]).get(thread_id, ""),
        "entries": page.entries,
        "chart": build_thread_chart(page.entries, now, get_reader_timezone()) if is_whole else None,
        "next_page_url": params.query_string(after=page.next_cursor) if page.next_cursor else "",
        "page_size": conversation.PAGE_SIZE,
        "runs_url": f"{run_list_path(project)}?{RunFilters(thread=(thread_id,)).to_query_string()}",
        "max_counted": MAX_SAMPLE_SIZE,
    }
    return htmx.render_page(request, "pages/threads/detail.html", context, THREAD_DETAIL_FRAGMENTS)


@dataclass(frozen=True, slots=True)
class ThreadStatusOption:
    """A status to filter by, and the number of threads that have a run of it."""

    value: str
    count: int


@dataclass(frozen=True, slots=True)
class ThreadStatusOptions:
    """The statuses that threads have or the filters choose. `is_capped`: only the newest runs were counted."""

    options: list[ThreadStatusOption]
    is_capped: bool


def _build_status_options(project: Project, filters: RunFilters) -> ThreadStatusOptions:
    counts = fetch_thread_status_counts(project, filters)
    statuses = sorted({*counts.by_status, *filters.status}, key=status_rank)
    options = [ThreadStatusOption(status, counts.by_status.get(status, 0)) for status in statuses]
    return ThreadStatusOptions(options, counts.is_capped)


def _build_query_field(filters: RunFilters, path: str) -> QueryControl:
    return QueryControl(
        "Threads",
        path,
        filters,
        lambda changed: path + ThreadListParams(changed).query_string(),
        controlled_params=("status",),
        has_time_menu=False,
        placeholder="status:failed error:rate_limit_exceeded created:-7d",
    )
