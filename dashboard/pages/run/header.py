"""The top of a run's page: what became of it, why, and the facts at a glance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.urls import reverse

from dashboard.pages.run.cost import Cost
from dashboard.pages.run.list_navigation import Listed
from dashboard.pages.run.similar import Similar
from dashboard.pages.run.tool_output_errors import Complaint
from dashboard.ui import formats, truncated_text
from dashboard.ui.lifecycle import Clock, Segment, goes_on, is_overdue, lifecycle, waiting_since
from dashboard.ui.posted_object import Posted, Presence, as_integer, as_text
from dashboard.ui.truncated_text import Excerpt
from runs.models import Assistant, Run, RunStep
from runs.protocol.timestamps import milliseconds_between

# A run of which nothing was heard for longer will hardly go on while somebody watches.
LOOKS_AGAIN_FOR = timedelta(hours=6)
MOST_COUNTED = 1000  # runs of a thread


@dataclass(frozen=True, slots=True)
class Problem:
    """`last_error` as it was sent: either part may be missing."""

    code: str | None
    message: Excerpt | None


def last_error(posted: Posted) -> Problem | None:
    """What the server gave as the reason; None where it gave none."""
    if posted.presence("last_error") is not Presence.VALUE:
        return None
    error = posted.mapping("last_error")
    message = as_text(error.get("message"))
    return Problem(as_text(error.get("code")), truncated_text.of_text(message) if message else None)


def incomplete_reason(posted: Posted) -> str | None:
    """Why a run ended early, as it was sent."""
    return as_text(posted.mapping("incomplete_details").get("reason"))


@dataclass
class Header:
    """Everything above the sections. `steps` may come without their payload."""

    run: Run
    slug: str
    posted: Posted
    steps: Sequence[RunStep]
    now: datetime
    previous: str | None = None
    next: str | None = None
    listed: Listed | None = None
    seen_version: int | None = None
    explanation: Complaint | None = None
    similar: Similar | None = None

    @cached_property
    def assistant(self) -> str | None:
        """Its name, where it has one."""
        return Assistant.objects.names(self.run.project, {self.run.assistant_id}).get(self.run.assistant_id)

    @cached_property
    def place(self) -> tuple[int, int] | None:
        """Which run of its thread this is, and of how many, where it has neighbours and these can be counted."""
        if self.previous is None and self.next is None:
            return None
        return Run.objects.place_in_thread(self.run, MOST_COUNTED)

    @property
    def is_active(self) -> bool:
        """Whether the run goes on, as far as is known."""
        return goes_on(self.run, self.now)

    @property
    def is_live(self) -> bool:
        """Whether the page looks again: more may come, and something came not long ago."""
        return self.is_active and self.now - self.run.seen_at < LOOKS_AGAIN_FOR

    @property
    def beside(self) -> str:
        """What follows the address of a run that is opened from here, so that it is still in its list."""
        return self.listed.beside if self.listed else ""

    @property
    def is_known_status(self) -> bool:
        return self.run.status in formats.STATUS_LABELS

    @property
    def is_overdue(self) -> bool:
        return is_overdue(self.run, self.now)

    @property
    def is_newer(self) -> bool:
        """Whether the sections below were rendered from an earlier state."""
        return self.seen_version is not None and self.seen_version != self.run.version

    @cached_property
    def error(self) -> Problem | None:
        return last_error(self.posted)

    @cached_property
    def reason(self) -> str | None:
        return incomplete_reason(self.posted)

    @cached_property
    def limit(self) -> int | None:
        """The token limit that an incomplete run names as its reason."""
        known = ("max_prompt_tokens", "max_completion_tokens")
        return as_integer(self.posted.value(self.reason)) if self.reason in known else None

    @cached_property
    def cost(self) -> Cost:
        return Cost(self.run)

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
    def segments(self) -> list[Segment]:
        return lifecycle(self.run, self.steps, self.now)

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
    def model_presence(self) -> Presence:
        return self.posted.presence("model")

    @property
    def _waits_from(self) -> datetime:
        return waiting_since(self.steps) or self.run.started_at or self.run.created_at

    def _span(self, begin: datetime | None, end: datetime | None, *, spelled: bool = False) -> str:
        return Clock.of(self.run, self.now).span(milliseconds_between(begin, end), spelled=spelled)
