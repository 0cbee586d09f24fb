"""The rows of the run list: the text of each cell, and a note that explains the status.

Everything here is computed from loaded records, without queries. Templates escape the texts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from urllib.parse import quote, urlencode
from uuid import UUID

from django.utils.safestring import SafeString

from dashboard.ui import formats
from dashboard.ui.search_marks import build_snippet
from runs.analytics.content_hits import ContentHit
from runs.api.url_converters import escape_segment
from runs.models import Run, RunReview
from runs.protocol.run import TERMINAL_RUN_STATUSES
from runs.query.operators import format_value

MAX_LISTED_NAMES = 20  # tools that a run called or waits for
MULTIPLICATION_SIGN = "\N{MULTIPLICATION SIGN}"
MAX_METADATA_LENGTH = 300
MAX_OVERFLOW = 2  # of the largest run over the usual ones, up to which token bars are drawn to the scale of the largest
NO_NAMES: Mapping[str, str] = MappingProxyType({})
NO_TAGS: Mapping[UUID, Sequence[str]] = MappingProxyType({})
NO_REVIEWS: Mapping[UUID, RunReview] = MappingProxyType({})
NO_HITS: Mapping[UUID, ContentHit] = MappingProxyType({})
NO_MESSAGES: Mapping[UUID, tuple[str, str]] = MappingProxyType({})
INCOMPLETE_REASONS = {
    "max_completion_tokens": "Stopped at the limit of completion tokens.",
    "max_prompt_tokens": "Stopped at the limit of prompt tokens.",
    "content_filter": "Stopped by the content filter.",
}


@dataclass(frozen=True, slots=True)
class RunNote:
    """The reason why a run is not simply completed.

    Attributes:
        code: The error code, incomplete reason or action type; "" if there is none.
        text: An explanation.
        is_severe: Whether the run failed.
        deadline: The time when a waiting run expires. Templates format it, so that it stays current in an open page.
        is_overdue: Whether the deadline has passed.
    """

    code: str
    text: str
    is_severe: bool = False
    deadline: datetime | None = None
    is_overdue: bool = False


@dataclass(frozen=True, slots=True)
class BarSegment:
    """A segment of a token bar, in percent of the width of the cell."""

    start: str
    width: str


@dataclass(frozen=True, slots=True)
class RunHit:
    """Where a run has what was searched for: the place in words, the called tool or "", and the text with a mark."""

    place: str
    tool: str
    snippet: SafeString


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run with the texts of its row.

    Attributes:
        run: The run. Templates read exact values from it.
        url: The URL of the run's page.
        assistant_name: The name of the assistant; None if it has none.
        duration: The time that the run took, or has been active.
        has_ended: Whether the status is final.
        tools: The called tools, most called first; None if no steps were received.
        first_tool: The most called tool; "" if none was called.
        more_tools: The number of other called tools.
        tokens_title: The exact token counts.
        cost_title: The source of the cost, or the reason why there is none.
        prompt_bar: The bar of prompt tokens; None if there are no tokens.
        completion_bar: The bar of completion tokens, after that of prompt tokens.
        metadata: The metadata as `key=value`, truncated.
        note: The explanation of the status; None for ordinary runs.
        tags: The tags of the run.
        review: Who has reviewed the run, and when; None if nobody has.
        hit: Where the run has what was searched for, with a mark; None without a search of content.
        question: The message that the run answers, as a line.
        answer: The last message of the run, as a line.
    """

    run: Run
    url: str
    assistant_name: str | None
    duration: str
    has_ended: bool
    tools: str | None
    first_tool: str
    more_tools: int
    tokens_title: str
    cost_title: str
    prompt_bar: BarSegment | None
    completion_bar: BarSegment | None
    metadata: str
    note: RunNote | None
    tags: Sequence[str] = ()
    review: RunReview | None = None
    hit: RunHit | None = None
    question: str = ""
    answer: str = ""


def build_run_rows(
    runs: Iterable[Run],
    tool_calls: Mapping[UUID, Counter[str]],
    path: str,
    now: datetime,
    assistant_names: Mapping[str, str] = NO_NAMES,
    tags: Mapping[UUID, Sequence[str]] = NO_TAGS,
    reviews: Mapping[UUID, RunReview] = NO_REVIEWS,
    list_param: str = "",
    hits: Mapping[UUID, ContentHit] = NO_HITS,
    messages: Mapping[UUID, tuple[str, str]] = NO_MESSAGES,
) -> list[RunRow]:
    """Return the rows of one page of a run list.

    Args:
        runs: The runs of the page. Their token bars share one scale.
        tool_calls: The number of calls by tool, by run.
        path: The path of the run list.
        now: The time that durations of active runs refer to.
        assistant_names: Names of assistants by id.
        tags: Tags by run.
        reviews: Reviews by run.
        list_param: The query string that tells a run's page which list links to it (see `encode_list_param`).
        hits: Where runs have what was searched for.
        messages: Questions and answers by run.
    """
    runs = list(runs)
    max_tokens = _find_bar_scale([_count_tokens(run) for run in runs])
    rows = []
    for run in runs:
        calls = tool_calls.get(run.pk)
        tools = _format_tool_calls(calls or Counter())
        prompt_bar, completion_bar = _build_token_bars(run, max_tokens)
        question, answer = messages.get(run.pk, ("", ""))
        rows.append(
            RunRow(
                run=run,
                url=build_run_url(path, run) + list_param,
                assistant_name=assistant_names.get(run.assistant_id),
                duration=format_run_duration(run, now),
                has_ended=run.status in TERMINAL_RUN_STATUSES,
                tools=None if calls is None else ", ".join(tools),
                first_tool=tools[0] if tools else "",
                more_tools=max(0, len(tools) - 1),
                tokens_title=_format_tokens_title(run),
                cost_title=_format_cost_title(run),
                prompt_bar=prompt_bar,
                completion_bar=completion_bar,
                metadata=_format_metadata(run.metadata),
                note=build_run_note(run, now),
                tags=tags.get(run.pk, ()),
                review=reviews.get(run.pk),
                hit=_build_hit(hits.get(run.pk)),
                question=question,
                answer=answer,
            )
        )
    return rows


def _build_hit(hit: ContentHit | None) -> RunHit | None:
    return None if hit is None else RunHit(hit.place, hit.tool, build_snippet(hit))


def build_run_url(path: str, run: Run) -> str:
    """Return the URL of `run` below the run list at `path`, in a fraction of the time that `reverse` takes."""
    return build_run_path(path, run.external_id)


def build_run_path(path: str, run_id: str) -> str:
    """Return the path of the page of the run with the posted id `run_id`."""
    return f"{path}{quote(escape_segment(run_id), safe='')}/"


def encode_list_param(query: str) -> str:
    """Return the query string that tells a run's page which list linked to it."""
    return "?" + urlencode({"list": query})


def format_run_duration(run: Run, now: datetime) -> str:
    """Format how long `run` took, or how long ago an active run was created. A queued run has no duration.

    Decimals are shown only if the source sent fractions of seconds.
    """
    if run.status in TERMINAL_RUN_STATUSES or run.duration_ms is not None:
        times = (run.stated_created_at, run.ended_at)
        return formats.format_duration(run.duration_ms, precise=any(time and time.microsecond for time in times))
    if run.status == Run.Status.QUEUED:
        return formats.NO_VALUE
    return formats.format_duration(_milliseconds_between(run.created_at, now))


def build_run_note(run: Run, now: datetime) -> RunNote | None:
    """Return the explanation of the status of `run`; None if there is nothing to explain."""
    message = run.error_preview
    if run.error_code is not None or message:
        return RunNote(run.error_code or "", message or "", is_severe=run.status == Run.Status.FAILED)
    match run.status:
        case Run.Status.FAILED:
            return RunNote("", "Failed without a last_error.", is_severe=True)
        case Run.Status.INCOMPLETE if run.incomplete_reason is not None:
            return RunNote(run.incomplete_reason, INCOMPLETE_REASONS.get(run.incomplete_reason, ""))
        case Run.Status.EXPIRED if run.expires_at:
            tools = _format_counts(Counter(run.pending_functions or ()).items())
            missing = f"No outputs were submitted for {_join_with_and(tools)}. " if tools else ""
            return RunNote("", f"{missing}Expired at {formats.format_timestamp(run.expires_at)}.")
        case Run.Status.REQUIRES_ACTION:
            return _build_waiting_note(run, now)
        case status if status not in formats.STATUS_LABELS:
            return RunNote("unknown status", f"Stored as received. Find it with status:{format_value(status)}")
    return None


def _build_waiting_note(run: Run, now: datetime) -> RunNote:
    tools = _format_counts(Counter(run.pending_functions or ()).items())
    # The protocol does not say when a run began to wait, only that it was after its start.
    elapsed = formats.format_duration(_milliseconds_between(run.started_at or run.created_at, now))
    text = f"Waiting for {_join_with_and(tools) if tools else 'the client'} for up to {elapsed}."
    is_overdue = run.expires_at is not None and run.expires_at <= now
    return RunNote(run.action_type or "", text, deadline=run.expires_at, is_overdue=is_overdue)


def _format_tool_calls(calls: Counter[str]) -> list[str]:
    """Return the called tools with their number of calls, most called first."""
    return _format_counts(sorted(calls.items(), key=lambda item: (-item[1], item[0])))


def _format_counts(counts: Iterable[tuple[str, int]]) -> list[str]:
    """Return names such as `search_orders`, with a factor if they occur more than once; of very many, the first."""
    names = [f"{name} {MULTIPLICATION_SIGN}{count}" if count > 1 else name for name, count in counts]
    hidden_count = len(names) - MAX_LISTED_NAMES
    return names if hidden_count <= 1 else [*names[:MAX_LISTED_NAMES], f"{hidden_count:,} more"]


def _find_bar_scale(counts: Sequence[int]) -> int:
    """Return the number of tokens that fills a bar: one huge run must not make the bars of all others invisible.

    It is the 95th percentile of the runs with tokens, or the most if there are hardly more.
    """
    ranked = sorted(count for count in counts if count)
    if not ranked:
        return 0
    usual = ranked[int(0.95 * (len(ranked) - 1))]
    return ranked[-1] if ranked[-1] <= MAX_OVERFLOW * usual else usual


def _build_token_bars(run: Run, max_tokens: int) -> tuple[BarSegment | None, BarSegment | None]:
    """Return the bars of prompt and completion tokens, in percent of `max_tokens`. A run with more fills its bar."""
    total = _count_tokens(run)
    if not max_tokens or not total:
        return None, None
    scale = max(max_tokens, total)
    prompt = 100 * (run.prompt_tokens or 0) / scale
    completion = 100 * (run.completion_tokens or 0) / scale
    if not prompt and not completion:
        prompt = 100 * total / scale
    return BarSegment("0%", f"{prompt:.1f}%"), BarSegment(f"{prompt:.1f}%", f"{completion:.1f}%")


def _count_tokens(run: Run) -> int:
    return max(run.total_tokens or 0, (run.prompt_tokens or 0) + (run.completion_tokens or 0))


def _format_tokens_title(run: Run) -> str:
    """Return exact counts such as `14,212 prompt + 1,102 completion = 15,314 tokens`."""
    if run.total_tokens is None:
        return "No total_tokens"
    total = f"{formats.format_integer(run.total_tokens)} tokens"
    if run.prompt_tokens is None or run.completion_tokens is None:
        return total
    prompt, completion = formats.format_integer(run.prompt_tokens), formats.format_integer(run.completion_tokens)
    return f"{prompt} prompt + {completion} completion = {total}"


def _format_cost_title(run: Run) -> str:
    if run.cost is not None:
        return "Estimated"
    return "No usage reported" if run.total_tokens is None else "No price for this model"


def _format_metadata(metadata: object) -> str:
    """Return `customer=acme  channel=chat`, truncated. Some servers send other values than objects."""
    if not metadata:
        return ""
    if isinstance(metadata, dict):
        text = "  ".join(f"{name}={format_metadata_value(value)}" for name, value in metadata.items())
    else:
        text = format_metadata_value(metadata)
    return text if len(text) <= MAX_METADATA_LENGTH else text[:MAX_METADATA_LENGTH] + "…"


def format_metadata_value(value: object) -> str:
    """Return a string as it is, and any other value as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _join_with_and(names: list[str]) -> str:
    """Return `a`, `a and b`, or `a, b and c`."""
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def _milliseconds_between(since: datetime, until: datetime) -> int:
    return int((until - since).total_seconds() * 1000)
