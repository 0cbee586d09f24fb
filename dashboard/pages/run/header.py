"""The top of a run's page: what became of it, why, and the facts at a glance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.urls import reverse

from dashboard.pages.run.cost import RunCost
from dashboard.pages.run.list_navigation import ListNavigation
from dashboard.pages.run.similar import SimilarRuns
from dashboard.pages.run.tool_output_errors import OutputErrorRow
from dashboard.ui import formats, truncated_text
from dashboard.ui.lifecycle import (
    LifecycleSegment,
    RunClock,
    build_lifecycle,
    is_run_ongoing,
    is_run_overdue,
    waiting_since,
)
from dashboard.ui.posted_object import FieldPresence, PostedObject, as_integer, as_text
from dashboard.ui.truncated_text import TruncatedText
from runs.models import Assistant, Run, RunStep
from runs.protocol.timestamps import milliseconds_between

# A run of which nothing was heard for longer will hardly go on while somebody watches.
LIVE_UPDATE_PERIOD = timedelta(hours=6)
MAX_COUNTED_THREAD_RUNS = 1000  # runs of a thread


@dataclass(frozen=True, slots=True)
class RunLastError:
    """`last_error` as it was sent: either part may be missing."""

    code: str | None
    message: TruncatedText | None


def parse_last_error(posted: PostedObject) -> RunLastError | None:
    """What the server gave as the reason; None where it gave none."""
    if posted.presence("last_error") is not FieldPresence.VALUE:
        return None
    error = posted.object_value("last_error")
    message = as_text(error.get("message"))
    return RunLastError(as_text(error.get("code")), truncated_text.truncate_text(message) if message else None)


def parse_incomplete_reason(posted: PostedObject) -> str | None:
    """Why a run ended early, as it was sent."""
    return as_text(posted.object_value("incomplete_details").get("reason"))


@dataclass
class RunHeader:
    """Everything above the sections. `steps` may come without their payload."""

    run: Run
    slug: str
    posted: PostedObject
    steps: Sequence[RunStep]
    now: datetime
    previous: str | None = None
    next: str | None = None
    listed: ListNavigation | None = None
    seen_version: int | None = None
    explanation: OutputErrorRow | None = None
    similar: SimilarRuns | None = None

    @cached_property
    def assistant(self) -> str | None:
        """Its name, where it has one."""
        return Assistant.objects.names_by_id(self.run.project, {self.run.assistant_id}).get(self.run.assistant_id)

    @cached_property
    def place(self) -> tuple[int, int] | None:
        """Which run of its thread this is, and of how many, where it has neighbours and these can be counted."""
        if self.previous is None and self.next is None:
            return None
        return Run.objects.position_in_thread(self.run, MAX_COUNTED_THREAD_RUNS)

    @property
    def is_active(self) -> bool:
        """Whether the run goes on, as far as is known."""
        return is_run_ongoing(self.run, self.now)

    @property
    def is_live(self) -> bool:
        """Whether the page looks again: more may come, and something came not long ago."""
        return self.is_active and self.now - self.run.seen_at < LIVE_UPDATE_PERIOD

    @property
    def beside(self) -> str:
        """What follows the address of a run that is opened from here, so that it is still in its list."""
        return self.listed.beside if self.listed else ""

    @property
    def is_known_status(self) -> bool:
        return self.run.status in formats.STATUS_LABELS

    @property
    def is_overdue(self) -> bool:
        return is_run_overdue(self.run, self.now)

    @property
    def is_newer(self) -> bool:
        """Whether the sections below were rendered from an earlier state."""
        return self.seen_version is not None and self.seen_version != self.run.version

    @cached_property
    def error(self) -> RunLastError | None:
        return parse_last_error(self.posted)

    @cached_property
    def reason(self) -> str | None:
        return parse_incomplete_reason(self.posted)

    @cached_property
    def limit(self) -> int | None:
        """The token limit that an incomplete run names as its reason."""
        known = ("max_prompt_tokens", "max_completion_tokens")
        return as_integer(self.posted.value(self.reason)) if self.reason in known else None

    @cached_property
    def cost(self) -> RunCost:
        return RunCost(self.run)

    @property
    def awaited(self) -> list[str]:
        return self.run.awaited or []

    @cached_property
    def calls(self) -> list[tuple[str, int]]:
        """The names of the tools that were called, and how often, in order of their first call."""
        return list(Counter(name for step in self.steps for name in step.tool_names).items())

    @property
    def call_count(self) -> int:
        return sum(count for _, count in self.calls)

    @property
    def segments(self) -> list[LifecycleSegment]:
        return build_lifecycle(self.run, self.steps, self.now)

    @property
    def elapsed(self) -> str:
        """From creation to the end, or so far; a dash where the end is not known."""
        return self._span(self.run.created_at, self.now if self.is_active else self.run.ended_at)

    @property
    def waiting(self) -> str:
        """How long outputs have been awaited; "" where that is over."""
        return "" if self.is_overdue else self._span(self._waits_from, self.now, spelled=True)

    @property
    def is_waiting_exact(self) -> bool:
        """Without steps, only the start of the last turn is known, which came before the wait."""
        return waiting_since(self.steps) is not None

    @property
    def expires_in(self) -> str:
        """The time left, "" where there is no expiry to come."""
        if not self.is_active or self.run.expires_at is None:
            return ""
        return self._span(self.now, self.run.expires_at, spelled=True)

    @property
    def assistant_url(self) -> str:
        return reverse("assistant", kwargs={"project": self.slug, "assistant_id": self.run.assistant_id})

    @property
    def model(self) -> Any:
        return self.posted.value("model")

    @property
    def model_presence(self) -> FieldPresence:
        return self.posted.presence("model")

    @property
    def _waits_from(self) -> datetime:
        return waiting_since(self.steps) or self.run.started_at or self.run.created_at

    def _span(self, begin: datetime | None, end: datetime | None, *, spelled: bool = False) -> str:
        return RunClock.for_run(self.run, self.now).format_duration(milliseconds_between(begin, end), spelled=spelled)
