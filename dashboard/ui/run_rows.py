"""The rows of the run list: what each cell of a run says, and what its second line explains.

Pure functions from records to plain words; templates escape them. Nothing here asks the database.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from urllib.parse import quote, urlencode
from uuid import UUID

from dashboard.ui import formats
from runs.models import Run
from runs.protocol.run import TERMINAL_RUN_STATUSES
from runs.query.operators import format_value

MULTIPLICATION_SIGN = "\N{MULTIPLICATION SIGN}"
MAX_METADATA_LENGTH = 300
NO_NAMES: Mapping[str, str] = MappingProxyType({})
INCOMPLETE_REASONS = {
    "max_completion_tokens": "Stopped at the limit of completion tokens.",
    "max_prompt_tokens": "Stopped at the limit of prompt tokens.",
    "content_filter": "Stopped by the content filter.",
}


@dataclass(frozen=True, slots=True)
class RunNote:
    """The second line of a run that did not simply complete: a code, and words for it.

    `deadline` is the time by which the run has to go on; it is worded by the template, so that it stays true
    while the page is open.
    """

    code: str
    text: str
    severe: bool = False
    deadline: datetime | None = None
    missed: bool = False


@dataclass(frozen=True, slots=True)
class BarSegment:
    """A part of a bar, in percent of its width."""

    start: str
    width: str


@dataclass(frozen=True, slots=True)
class RunRow:
    """A run as the list shows it; what is exact is in `run`, what had to be worded is here."""

    run: Run
    url: str
    assistant: str | None  # its name, where it has one
    duration: str
    ended: bool
    tools: str | None  # None where no step was received, so that nobody knows
    first_tool: str
    more_tools: int
    tokens_title: str
    cost_title: str
    prompt: BarSegment | None
    completion: BarSegment | None
    metadata: str
    note: RunNote | None
    tags: Sequence[str] = ()


def build_run_rows(
    runs: Iterable[Run],
    called: Mapping[UUID, Counter[str]],
    path: str,
    now: datetime,
    names: Mapping[str, str] = NO_NAMES,
    listed: str = "",
) -> list[RunRow]:
    """The rows of one page of the list at `path`; token bars are drawn against the largest of them.

    `called` are tools by run, `names` those of assistants by id, `listed` is what the address of a run says of
    the list (see `in_list`).
    """
    page = list(runs)
    largest = max((_total(run) for run in page), default=0)
    urls = (build_run_url(path, run) + listed for run in page)
    return [
        _row(run, url, called.get(run.pk), names.get(run.assistant_id), largest, now)
        for run, url in zip(page, urls, strict=True)
    ]


def add_tags_to_rows(made: Iterable[RunRow], tags: Mapping[UUID, Sequence[str]]) -> list[RunRow]:
    """Those rows with their runs' tags."""
    return [replace(row, tags=tags.get(row.run.pk, ())) for row in made]


def _row(run: Run, url: str, called: Counter[str] | None, assistant: str | None, largest: int, now: datetime) -> RunRow:
    tools = _tools(called or Counter())
    prompt, completion = _shares(run, largest)
    return RunRow(
        run=run,
        url=url,
        assistant=assistant,
        duration=format_run_duration(run, now),
        ended=run.status in TERMINAL_RUN_STATUSES,
        tools=None if called is None else ", ".join(tools),
        first_tool=tools[0] if tools else "",
        more_tools=max(0, len(tools) - 1),
        tokens_title=_tokens_title(run),
        cost_title=_cost_title(run),
        prompt=prompt,
        completion=completion,
        metadata=_metadata(run.metadata),
        note=build_run_note(run, now),
    )


def build_run_url(path: str, run: Run) -> str:
    """The address of `run` below the list at `path`; ids are any text, slashes and line breaks included."""
    return f"{path}{quote(run.external_id, safe='')}/"


def encode_list_param(query: str) -> str:
    """What follows the address of a run that was opened from the list with that query string."""
    return "?" + urlencode({"list": query})


def format_run_duration(run: Run, now: datetime) -> str:
    """How long it took; of a run that goes on, how long it is since it was created. None while it is queued.

    Decimals are shown only where the source sent fractions of seconds.
    """
    if run.status in TERMINAL_RUN_STATUSES or run.duration_ms is not None:
        times = (run.created_at, run.ended_at)
        return formats.format_duration(run.duration_ms, precise=any(time and time.microsecond for time in times))
    if run.status == Run.Status.QUEUED:
        return formats.NO_VALUE
    return formats.format_duration(_milliseconds(run.created_at, now))


def build_run_note(run: Run, now: datetime) -> RunNote | None:
    """Why `run` is not simply completed; None where there is nothing to say."""
    preview = run.error_preview
    if run.error_code is not None or preview:
        return RunNote(run.error_code or "", preview or "", severe=run.status == Run.Status.FAILED)
    match run.status:
        case Run.Status.FAILED:
            return RunNote("", "It failed without a last_error.", severe=True)
        case Run.Status.INCOMPLETE if run.incomplete_reason is not None:
            return RunNote(run.incomplete_reason, INCOMPLETE_REASONS.get(run.incomplete_reason, ""))
        case Run.Status.EXPIRED if run.expires_at:
            awaited = _counted(Counter(run.awaited or ()).items())
            missing = f"No outputs arrived for {_listed(awaited)}. " if awaited else ""
            return RunNote("", f"{missing}It had until {formats.format_timestamp(run.expires_at)}.")
        case Run.Status.REQUIRES_ACTION:
            return _waiting(run, now)
        case status if status not in formats.STATUS_LABELS:
            return RunNote("unknown status", f"Kept as received. Ask for it with status:{format_value(status)}")
    return None


def _waiting(run: Run, now: datetime) -> RunNote:
    """The protocol doesn't say when a run began to wait: it was after it was started."""
    awaited = _counted(Counter(run.awaited or ()).items())
    longest = formats.format_duration(_milliseconds(run.started_at or run.created_at, now), spelled=True)
    words = f"Waiting for {_listed(awaited) if awaited else 'its caller'}, {longest} at most so far."
    missed = run.expires_at is not None and run.expires_at <= now
    return RunNote(run.action_type or "", words, deadline=run.expires_at, missed=missed)


def _tools(called: Counter[str]) -> list[str]:
    """The tools, the most called first."""
    return _counted(sorted(called.items(), key=lambda pair: (-pair[1], pair[0])))


def _counted(names: Iterable[tuple[str, int]]) -> list[str]:
    """A number behind every name that counts more than once: `search_orders` three times."""
    return [f"{name} {MULTIPLICATION_SIGN}{count}" if count > 1 else name for name, count in names]


def _shares(run: Run, largest: int) -> tuple[BarSegment | None, BarSegment | None]:
    """The bars for prompt and completion tokens, in percent of `largest`."""
    if not largest or not _total(run):
        return None, None
    prompt = 100 * (run.prompt_tokens or 0) / largest
    completion = 100 * (run.completion_tokens or 0) / largest
    if not prompt and not completion:
        prompt = 100 * _total(run) / largest
    return BarSegment("0%", f"{prompt:.1f}%"), BarSegment(f"{prompt:.1f}%", f"{completion:.1f}%")


def _total(run: Run) -> int:
    return max(run.total_tokens or 0, (run.prompt_tokens or 0) + (run.completion_tokens or 0))


def _tokens_title(run: Run) -> str:
    """The sum in full: `14,212 prompt + 1,102 completion = 15,314 tokens`."""
    if run.total_tokens is None:
        return "No total_tokens"
    total = f"{formats.format_integer(run.total_tokens)} tokens"
    if run.prompt_tokens is None or run.completion_tokens is None:
        return total
    prompt, completion = formats.format_integer(run.prompt_tokens), formats.format_integer(run.completion_tokens)
    return f"{prompt} prompt + {completion} completion = {total}"


def _cost_title(run: Run) -> str:
    """Why there is no cost, or what it is of."""
    if run.cost is not None:
        return "Estimated"
    return "No usage to reckon with" if run.total_tokens is None else "No price for this model"


def _metadata(metadata: object) -> str:
    """`customer=acme  channel=chat`; servers send lists too. Cut off where no cell could hold it."""
    if not metadata:
        return ""
    if not isinstance(metadata, dict):
        words = _plain(metadata)
    else:
        words = "  ".join(f"{name}={_plain(value)}" for name, value in metadata.items())
    return words if len(words) <= MAX_METADATA_LENGTH else words[:MAX_METADATA_LENGTH] + "…"


def _plain(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _listed(words: list[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))


def _milliseconds(since: datetime, until: datetime) -> int:
    return int((until - since).total_seconds() * 1000)
