"""The errors of a run: the reported error, outputs that look like errors, and runs that failed in the same way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from django.urls import reverse

from dashboard.pages.run.steps import RunPageStep, RunSteps
from dashboard.pages.run.timeline.section import Timeline
from dashboard.ui.posted_object import FieldPresence, PostedObject, as_name, as_text
from dashboard.ui.truncated_text import TruncatedText, truncate_lines
from runs.analytics.error_group_states import fetch_state_ends
from runs.models import ErrorGroup, Run
from runs.query import RunFilters, TimeExpression
from runs.query.ast import Term
from runs.query.grammar import Query
from runs.query.operators import Equals

MAX_FAILED_STEPS = 50
MAX_OUTPUT_ERRORS = 10  # The timeline marks all of them.
_UNSUCCESSFUL_STATUSES = ("failed", "incomplete", "expired", "cancelled")
_MAX_COUNTED = 10_000
_LAST_DAY = "-24h"
_DAY = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class RunLastError:
    """The `last_error` of a run as it was sent. Either part may be missing."""

    code: str | None
    message: TruncatedText | None


def parse_last_error(posted: PostedObject) -> RunLastError | None:
    """Return the error that the server reported, or None."""
    if posted.presence("last_error") is not FieldPresence.VALUE:
        return None
    error = posted.object_value("last_error")
    message = as_text(error.get("message"))
    return RunLastError(as_name(error.get("code")), truncate_lines(message) if message else None)


def parse_incomplete_reason(posted: PostedObject) -> str | None:
    """Return the reason of an incomplete run as it was sent."""
    return as_name(posted.object_value("incomplete_details").get("reason"))


@dataclass(frozen=True, slots=True)
class OutputErrorRow:
    """A tool output that looks like an error. `url` leads to its step."""

    step: RunPageStep
    name: str
    message: str
    url: str


@dataclass(frozen=True, slots=True)
class SimilarRunCount:
    """A number of runs of the last 24 hours, formatted, and the URL of their list."""

    count: str
    label: str
    url: str


@dataclass(frozen=True, slots=True)
class SimilarRuns:
    """The error group of a run. `since` is the creation time of its first stored run, `state` what the team decided."""

    group: ErrorGroup
    state: str
    since: datetime
    group_url: str
    runs_url: str
    last_day: list[SimilarRunCount]

    @property
    def is_common(self) -> bool:
        """Return whether more than one run of the last 24 hours is in the group."""
        return self.last_day[0].count not in ("0", "1")


@dataclass
class ErrorsSection:
    """The errors of `run`. `is_full` looks for errors in the outputs of as many steps as are read at once.

    `is_shared` leaves out what other runs tell.
    """

    run: Run
    posted: PostedObject
    steps: RunSteps
    timeline: Timeline
    now: datetime
    is_full: bool = False
    is_shared: bool = False

    @cached_property
    def last_error(self) -> RunLastError | None:
        """The error that the server reported."""
        return parse_last_error(self.posted)

    @property
    def last_error_presence(self) -> FieldPresence:
        """Return whether `last_error` was sent."""
        return self.posted.presence("last_error")

    @cached_property
    def incomplete_reason(self) -> str | None:
        """The reason of an incomplete run."""
        return parse_incomplete_reason(self.posted)

    @property
    def incomplete_details_presence(self) -> FieldPresence:
        """Return whether `incomplete_details` was sent."""
        return self.posted.presence("incomplete_details")

    @property
    def count(self) -> int:
        """The number of reported errors."""
        return bool(self.last_error) + (self.incomplete_reason is not None) + self.steps.totals.failed_count

    @property
    def comes_first(self) -> bool:
        """Return whether the errors are what the run is about: it failed, or ended in another way with an error."""
        return self.run.status in ("failed", "incomplete") or (bool(self.count) and self.run.status == "expired")

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to show."""
        return not (self.count or self.output_errors or self.similar_runs)

    @property
    def listed_failed_steps(self) -> list[tuple[RunPageStep, str]]:
        """The first steps that failed, with their URLs."""
        return self.timeline.link_steps(self.steps.failed[:MAX_FAILED_STEPS])

    @property
    def unlisted_failed_count(self) -> int:
        """The number of failed steps that are not listed."""
        return self.steps.totals.failed_count - len(self.listed_failed_steps)

    @cached_property
    def output_errors(self) -> list[OutputErrorRow]:
        """Tool outputs that look like errors, in the order of the steps, as far as these are read."""
        return [
            OutputErrorRow(step, call.name, call.output_error, self.timeline.step_url(step))
            for step in self.steps.steps
            for call in step.calls
            if call.output_error is not None
        ]

    @property
    def is_searched(self) -> bool:
        """Return whether the outputs are searched, not only those of the steps that the page of a large run reads."""
        return self.is_full or self.steps.is_complete

    @property
    def listed_output_errors(self) -> list[OutputErrorRow]:
        """The first output errors."""
        return self.output_errors[:MAX_OUTPUT_ERRORS]

    @property
    def unlisted_output_error_count(self) -> int:
        """The number of output errors that are not listed."""
        return len(self.output_errors) - len(self.listed_output_errors)

    @property
    def likely_cause(self) -> OutputErrorRow | None:
        """An output error of the last answered step of an unsuccessful run."""
        if self.run.status not in _UNSUCCESSFUL_STATUSES:
            return None
        answered = (step for step in reversed(self.steps.steps) if any(call.output_length for call in step.calls))
        last = next(answered, None)
        return next((error for error in self.output_errors if error.step is last), None)

    @cached_property
    def similar_runs(self) -> SimilarRuns | None:
        """The error group of the run, or None if the run was successful. Three queries, or four after a decision."""
        run = self.run
        if self.is_shared:
            return None
        group = ErrorGroup.objects.find(run.project, run.error_group_id) if run.error_group_id else None
        if group is None:
            return None
        end = fetch_state_ends([group], self.now).get(group.pk)
        in_group = Run.objects.in_error_group(group.pk)
        counts = in_group.count_similar(run, self.now - _DAY, _MAX_COUNTED)
        return SimilarRuns(
            group=group,
            state=end.label if end else group.state,
            since=in_group.oldest_created_at() or run.created_at,
            group_url=reverse("error-group", kwargs={"project": run.project.slug, "group_id": group.pk}),
            runs_url=self._similar_runs_url(),
            last_day=list(self._last_day_counts(counts)),
        )

    def _last_day_counts(self, counts: dict[str, int]) -> Iterator[SimilarRunCount]:
        """Yield all runs, those of the same assistant, and those on the same model."""
        since = TimeExpression.parse(_LAST_DAY)
        is_capped = counts["all"] > _MAX_COUNTED
        total = f"{_MAX_COUNTED:,}+" if is_capped else f"{counts['all']:,}"
        yield SimilarRunCount(total, "total", self._similar_runs_url(since=since))
        subsets: dict[str, tuple[str, str | None]] = {
            "assistant": ("this assistant", self.run.assistant_id),
            "model": ("this model", self.run.model),
        }
        for param, (label, value) in subsets.items():
            if value:
                count = f"{'at least ' if is_capped else ''}{counts[param]:,}"
                yield SimilarRunCount(count, label, self._similar_runs_url(since=since, **{param: (value,)}))

    def _similar_runs_url(self, **filters: Any) -> str:
        """Return the URL of the list of the runs in the error group."""
        group_id = self.run.error_group_id.hex if self.run.error_group_id else ""
        query = RunFilters(q=Query(Term("error_group", (Equals(group_id),))), **filters).to_query_string()
        return f"{reverse('runs', kwargs={'project': self.run.project.slug})}?{query}"
