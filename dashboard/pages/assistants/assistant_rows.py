"""The rows of the list of assistants, and their sort orders."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from django.urls import reverse

from dashboard.ui import formats
from dashboard.ui.charts import Sparkline, build_sparkline
from dashboard.ui.run_list_address import RunListAddress
from runs.analytics import assistants
from runs.analytics.assistants import AssistantOverview, AssistantTotals
from runs.models import Assistant, Project
from runs.query import RunFilters

ASSISTANT_PAGE_SIZE = 50
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AssistantEntry:
    """An assistant in the list, with the values that it can be sorted by."""

    totals: AssistantTotals
    name: str | None
    last_run_at: datetime | None


_SORT_KEYS: dict[str, Callable[[AssistantEntry], Any]] = {
    "name": lambda entry: (entry.name or entry.totals.assistant_id).lower(),
    "runs": lambda entry: entry.totals.runs,
    "failed": lambda entry: (entry.totals.failed / entry.totals.runs, entry.totals.failed),
    "tokens": lambda entry: entry.totals.tokens,
    "cost": lambda entry: entry.totals.cost,
    "last": lambda entry: entry.last_run_at or _NEVER,
}


@dataclass(frozen=True, slots=True)
class AssistantSort:
    """A sort order of assistants, written as `name`, or as `-runs` for the most runs first."""

    by: str = "runs"
    descending: bool = True

    @classmethod
    def parse(cls, text: str) -> AssistantSort:
        """Parse the text form. Raises ValueError."""
        by = text.removeprefix("-")
        if by not in _SORT_KEYS:
            raise ValueError(f"can't sort by '{by}'; expected one of {', '.join(_SORT_KEYS)}")
        return cls(by, descending=text != by)

    def __str__(self) -> str:
        return f"-{self.by}" if self.descending else self.by


DEFAULT_ASSISTANT_SORT = AssistantSort()


@dataclass(frozen=True, slots=True)
class AssistantRow:
    """A row of the list. `configurations` is counted up to one more than `MAX_COUNTED_CONFIGURATIONS`."""

    totals: AssistantTotals
    name: str | None
    last_run_at: datetime | None
    configurations: int
    spark: Sparkline
    runs_url: str
    failed_runs_url: str

    @property
    def cost(self) -> str:
        """The cost of the runs that have a price; "" if none has."""
        return formats.format_cost(self.totals.cost) if self.totals.cost else ""


@dataclass(frozen=True)
class AssistantList:
    """The assistants with runs that match some filters, sorted."""

    project: Project
    filters: RunFilters
    overview: AssistantOverview
    entries: list[AssistantEntry]

    @classmethod
    def fetch(cls, project: Project, filters: RunFilters, sort: AssistantSort, now: datetime) -> AssistantList:
        """Fetch and sort the assistants, in four queries."""
        overview = assistants.fetch_assistant_overview(project, filters, now)
        ids = [totals.assistant_id for totals in overview.totals]
        names = Assistant.objects.names_by_id(project, ids)
        last_run_times = assistants.fetch_last_run_times(project, ids) if ids else {}
        entries = [
            AssistantEntry(totals, names.get(totals.assistant_id), last_run_times.get(totals.assistant_id))
            for totals in overview.totals
        ]
        entries.sort(key=lambda entry: entry.totals.assistant_id)  # breaks ties
        entries.sort(key=_SORT_KEYS[sort.by], reverse=sort.descending)
        return cls(project, filters, overview, entries)

    @property
    def page_count(self) -> int:
        """The number of pages, at least 1."""
        return max(1, -(-len(self.entries) // ASSISTANT_PAGE_SIZE))

    @property
    def unlisted_count(self) -> int:
        """The number of assistants that are left out because others have more runs."""
        return self.overview.count - len(self.entries)

    def fetch_rows(self, page: int | None = None) -> list[AssistantRow]:
        """Return the rows of a page, counted from 1, or all rows, in at most two queries."""
        entries = self.entries
        if page is not None:
            entries = entries[(page - 1) * ASSISTANT_PAGE_SIZE : page * ASSISTANT_PAGE_SIZE]
        ids = [entry.totals.assistant_id for entry in entries]
        if not ids:
            return []
        bars = assistants.fetch_assistant_bars(self.overview, ids)
        configurations = assistants.count_configurations(self.project, ids)
        return [
            AssistantRow(
                entry.totals,
                entry.name,
                entry.last_run_at,
                configurations[assistant_id],
                build_sparkline(bars[assistant_id]),
                self._runs_url(assistant_id),
                self._runs_url(assistant_id, status=("failed",)),
            )
            for assistant_id, entry in zip(ids, entries, strict=True)
        ]

    def _runs_url(self, assistant_id: str, **filters: Any) -> str:
        runs_path = reverse("runs", kwargs={"project": self.project.slug})
        return RunListAddress(runs_path).url(replace(self.filters, assistant=(assistant_id,), **filters))
