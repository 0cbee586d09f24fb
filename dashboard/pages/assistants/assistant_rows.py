"""The list of assistants: its rows, and what they can be sorted by. Of numbers that were counted elsewhere."""

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
from runs.errors import InvalidFilter, Problem
from runs.models import Assistant, Project
from runs.query import RunFilters

ASSISTANT_PAGE_SIZE = 50
_NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class AssistantRow:
    """An assistant as the list shows it; `configurations` is counted no further than one above the most."""

    totals: AssistantTotals
    name: str | None
    last_at: datetime | None
    configurations: int
    bars: list[int]
    runs_url: str
    failed_url: str

    @property
    def spark(self) -> Sparkline:
        return build_sparkline(self.bars)

    @property
    def cost(self) -> str:
        """Of what has a price; "" where nothing has."""
        return formats.format_cost(self.totals.cost) if self.totals.cost else ""


@dataclass(frozen=True, slots=True)
class AssistantSort:
    """What is sorted by, the most first where `descending`."""

    by: str = "runs"
    descending: bool = True

    @classmethod
    def parse(cls, text: str) -> AssistantSort:
        """Read `name`, or `-runs` for the most first. Raises InvalidFilter."""
        by = text.removeprefix("-")
        if by not in _SORT_KEYS:
            message = f"can't sort by '{by}'; known are {', '.join(_SORT_KEYS)}"
            raise InvalidFilter(f"sort: {message}", [Problem("sort", message)])
        return cls(by, descending=text != by)

    def __str__(self) -> str:
        return f"-{self.by}" if self.descending else self.by


AssistantEntry = tuple[AssistantTotals, str | None, datetime | None]
# By what a click on a head sorts; the id settles what is equal.
_SORT_KEYS: dict[str, Callable[[AssistantEntry], Any]] = {
    "name": lambda each: (each[1] or each[0].assistant_id).lower(),
    "runs": lambda each: each[0].runs,
    "failed": lambda each: (each[0].failed / each[0].runs, each[0].failed),
    "tokens": lambda each: each[0].tokens,
    "cost": lambda each: each[0].cost,
    "last": lambda each: each[2] or _NEVER,
}
DEFAULT_ASSISTANT_SORT = AssistantSort()


@dataclass(frozen=True)
class AssistantList:
    """The assistants whose runs are asked for, sorted."""

    project: Project
    filters: RunFilters
    overview: AssistantOverview
    entries: list[AssistantEntry]

    @classmethod
    def of(cls, project: Project, filters: RunFilters, sort: AssistantSort, now: datetime) -> AssistantList:
        """Count and sort; four queries, however many there are."""
        overview = assistants.fetch_assistant_overview(project, filters, now)
        ids = [each.assistant_id for each in overview.totals]
        names = Assistant.objects.names_by_id(project, ids)
        last = assistants.fetch_last_run_times(project, ids) if ids else {}
        entries = [(each, names.get(each.assistant_id), last.get(each.assistant_id)) for each in overview.totals]
        entries.sort(key=lambda each: each[0].assistant_id)
        entries.sort(key=_SORT_KEYS[sort.by], reverse=sort.descending)
        return cls(project, filters, overview, entries)

    def rows(self, page: int | None = None) -> list[AssistantRow]:
        """Those of a page, counted from 1, or all; two queries at most."""
        entries = (
            self.entries
            if page is None
            else self.entries[(page - 1) * ASSISTANT_PAGE_SIZE : page * ASSISTANT_PAGE_SIZE]
        )
        ids = [totals.assistant_id for totals, _, _ in entries]
        if not ids:
            return []
        bars = assistants.fetch_assistant_bars(self.overview, ids)
        counts = assistants.count_configurations(self.project, ids)
        return [
            AssistantRow(
                totals,
                name,
                last_at,
                counts[totals.assistant_id],
                bars[totals.assistant_id],
                self._runs_url(totals.assistant_id),
                self._runs_url(totals.assistant_id, status=("failed",)),
            )
            for totals, name, last_at in entries
        ]

    def _runs_url(self, assistant_id: str, **narrower: Any) -> str:
        """The runs of one of them among those that are asked for."""
        path = reverse("runs", kwargs={"project": self.project.slug})
        return RunListAddress(path).url(replace(self.filters, assistant=(assistant_id,), **narrower))

    @property
    def pages(self) -> int:
        return max(1, -(-len(self.entries) // ASSISTANT_PAGE_SIZE))

    @property
    def uncounted(self) -> int:
        """How many there are beyond the busiest."""
        return self.overview.count - len(self.entries)
