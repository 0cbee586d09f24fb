"""The page of one group: what its runs come to, where they are, why they are together, what sets them apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cached_property

from django.urls import reverse

from dashboard.pages.errors.breakdown import ErrorBreakdown, build_error_breakdowns
from dashboard.pages.errors.contrasts import ErrorGroupContrastRow, build_contrast_rows
from dashboard.pages.errors.params import ErrorGroupParams, build_group_term
from dashboard.pages.errors.rows import ErrorGroupTrend, describe_trend
from dashboard.ui import formats
from dashboard.ui.run_rows import build_run_url
from runs.analytics import error_group_contrasts, errors
from runs.analytics.error_group_contrasts import ErrorGroupContrast
from runs.analytics.errors import ErrorGroupDistribution, ErrorGroupReport, ErrorGroupStats, ErrorTrend
from runs.enrichment import error_grouping
from runs.enrichment.error_grouping import MessagePart
from runs.models import Assistant, ErrorGroup, Run
from runs.models.run import ERROR_PREVIEW_LENGTH
from runs.query import RunFilters

MAX_SAMPLE_RUNS = 10
_ONE_MICROSECOND = timedelta(microseconds=1)
STATE_BUTTONS = {
    ErrorGroup.State.OPEN: "Open again",
    ErrorGroup.State.RESOLVED: "Resolve",
    ErrorGroup.State.IGNORED: "Ignore",
}
_PLACEHOLDER_LABELS = {
    "email": "address",
    "hex": "hexadecimal number",
    "host": "host name",
    "id": "id",
    "ip": "IP address",
    "key": "secret key",
    "model": "model",
    "n": "number",
    "org": "organization",
    "path": "path",
    "rest": "middle of a long message",
    "time": "time or duration",
    "tool": "tool",
    "trace": "line of a stack trace",
    "url": "address",
    "value": "quoted value",
}


@dataclass(frozen=True, slots=True)
class SampleRun:
    """A run of the group, with its message taken apart."""

    run: Run
    url: str
    assistant: str
    message: list[MessagePart]
    is_cut: bool


@dataclass
class ErrorGroupDetail:
    """A group within the time and among the runs that the address asks for."""

    group: ErrorGroup
    asked: ErrorGroupParams
    now: datetime

    @cached_property
    def found(self) -> ErrorGroupReport:
        return errors.fetch_error_groups(self.asked.project, self.asked.filters, self.now, only=self.group.pk)

    @property
    def counted(self) -> ErrorGroupStats | None:
        """None where no run of that time matches."""
        return next(iter(self.found.groups), None)

    @cached_property
    def seen(self) -> tuple[datetime, datetime] | None:
        """First and last run, of any time."""
        counted = self.counted
        return (counted.first_seen, counted.last_seen) if counted else errors.fetch_first_and_last_seen(self.group.pk)

    @cached_property
    def parts(self) -> ErrorGroupDistribution:
        keys = [self.group.pk]
        found = errors.fetch_error_distributions(
            self.asked.project, self.asked.filters, self.found.time_range.buckets, self.now, keys, only=self.group.pk
        )
        return found[self.group.pk]

    @cached_property
    def change(self) -> ErrorGroupTrend | None:
        """None where there is nothing to compare with."""
        is_told = self.counted is not None and self.counted.trend is not ErrorTrend.UNKNOWN
        return (
            describe_trend(self.asked, self.counted, self.found.time_range, self.now)
            if self.counted and is_told
            else None
        )

    @property
    def cost(self) -> str:
        return "" if self.found.sums.cost is None else formats.format_cost(self.found.sums.cost)

    @property
    def url(self) -> str:
        return self.asked.runs(build_group_term(self.group))

    @property
    def term(self) -> str:
        """How the query language asks for its runs."""
        return build_group_term(self.group)

    @cached_property
    def regressed(self) -> bool:
        """Whether it came back after somebody took it for resolved, at any time."""
        changed, seen = self.group.state_changed_at, self.seen
        is_resolved = self.group.state == ErrorGroup.State.RESOLVED
        return is_resolved and changed is not None and seen is not None and seen[1] > changed

    @cached_property
    def since(self) -> tuple[int, str]:
        """How many runs were created after it was resolved, and where they are listed; for one that regressed."""
        changed = self.group.state_changed_at or self.now
        filters = RunFilters().narrow(f"{self.term} created:>={formats.format_iso_time(changed + _ONE_MICROSECOND)}")
        count = filters.apply(Run.objects.in_project(self.asked.project)).count()
        return count, f"{reverse('runs', kwargs={'project': self.asked.project.slug})}?{filters.to_query_string()}"

    @property
    def choices(self) -> list[tuple[str, str]]:
        """The states that it can be given now, with the words of their buttons."""
        is_again = self.regressed
        return [
            (state.value, "Resolve again" if is_again and state.value == self.group.state else words)
            for state, words in STATE_BUTTONS.items()
            if state.value != self.group.state or is_again
        ]

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Those of the assistants, by id."""
        return Assistant.objects.names_by_id(self.asked.project, self.parts.assistants)

    @property
    def tables(self) -> list[ErrorBreakdown]:
        return build_error_breakdowns(self.asked, self.group, self.parts, self.names)

    @cached_property
    def samples(self) -> list[SampleRun]:
        """Its newest runs."""
        runs = errors.select_error_group_runs(self.asked.project, self.group.pk, self.asked.filters, self.now)
        path = reverse("runs", kwargs={"project": self.asked.project.slug})
        return [self._sample(run, path) for run in runs.newest_first().for_list()[:MAX_SAMPLE_RUNS]]

    @cached_property
    def why(self) -> list[MessagePart]:
        """The first message of the group in pieces; of the middle of a long one, only how long it is."""
        return [
            replace(part, text=f" … {len(part.text):,} characters … ") if part.kind == "rest" else part
            for part in error_grouping.split_message(self.group.sample)
        ]

    @cached_property
    def kinds(self) -> list[tuple[str, str]]:
        """What stands for what, of the pieces that were taken out of that message."""
        kinds = dict.fromkeys(part.kind for part in self.why if part.kind)
        return [(kind, _PLACEHOLDER_LABELS[kind]) for kind in kinds if kind]

    @cached_property
    def comparison(self) -> ErrorGroupContrast:
        asked = self.asked
        return error_group_contrasts.contrast_error_group(
            asked.project, self.group.pk, asked.filters, self.found.time_range, self.now
        )

    @cached_property
    def contrasts(self) -> list[ErrorGroupContrastRow]:
        return build_contrast_rows(self.asked, self.group, self.comparison)

    def _sample(self, run: Run, path: str) -> SampleRun:
        text = run.error_preview or ""
        return SampleRun(
            run=run,
            url=build_run_url(path, run),
            assistant=self.names.get(run.assistant_id) or formats.shorten_id(run.assistant_id),
            message=error_grouping.split_message(text),
            is_cut=len(text) >= ERROR_PREVIEW_LENGTH,
        )
