"""The versions of an assistant, the last one first: what changed, how often each ran, and what came after it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from uuid import UUID

from dashboard.pages.assistants import changes
from dashboard.pages.assistants.changes import FIRST_VERSION, ChangeSummary
from dashboard.pages.assistants.links import AssistantRunLinks
from dashboard.pages.assistants.params import AssistantDetailParams
from dashboard.ui import formats
from runs.analytics import version_comparison, versions
from runs.analytics.version_comparison import RecentVersionMetrics
from runs.analytics.versions import AdjacentVersions, AssistantVersion, AssistantVersions
from runs.models import Configuration

VERSIONS_PER_PAGE = 20  # versions at once
MAX_RECENT_RUNS = 500  # runs of each whose figures are shown
_DAY = timedelta(days=1)
_LONG = timedelta(hours=36)


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version as the list shows it; `runs` is counted no further than one above `versions.MOST_COUNTED`."""

    version: AssistantVersion
    model: str | None
    summary: ChangeSummary
    url: str
    runs_url: str
    runs: int
    newest: RecentVersionMetrics
    around: AdjacentVersions
    is_current: bool

    @property
    def lasted(self) -> str:
        """From its first run to its last one: in days, as soon as hours don't matter."""
        length = self.version.last_at - self.version.first_at
        if length >= _LONG:
            return f"{round(length / _DAY):,} days"
        return formats.format_duration(int(length.total_seconds() * 1000), spelled=True)

    @property
    def cost(self) -> str:
        """Of a run, on the average; "" where nothing has a price."""
        return "" if self.newest.cost is None else formats.format_cost(round(self.newest.cost))

    @property
    def tokens(self) -> int | None:
        """Of a run, on the average."""
        return None if self.newest.tokens is None else round(self.newest.tokens)


@dataclass(frozen=True)
class VersionList:
    """A page of versions; a fixed number of queries, however many there are and however many runs they have."""

    known: AssistantVersions
    asked: AssistantDetailParams
    links: AssistantRunLinks

    @cached_property
    def rows(self) -> list[VersionRow]:
        """The versions from `upto` down."""
        said, counted = self._summaries, versions.count_version_runs(self._shown)
        figures, around = (
            version_comparison.fetch_recent_version_metrics(self._shown, MAX_RECENT_RUNS),
            versions.fetch_adjacent_versions(self.known, self._shown),
        )
        return [
            VersionRow(
                version,
                self._models.get(version.id),
                said.get(version.id, FIRST_VERSION),
                self.asked.query(version=version, base=None),
                self.links.of_version(version),
                counted[version.id],
                figures[version.id],
                around[version.id],
                version is self.known.current,
            )
            for version in self._shown
        ]

    @property
    def rest(self) -> int:
        """How many were first used before those that are listed."""
        return self._shown[-1].number - 1

    @property
    def older(self) -> str:
        """The query string of those; "" where there are none."""
        return self.asked.query(upto=self.rest) if self.rest else ""

    @property
    def newest(self) -> str:
        """The query string of the last versions; "" where they are listed."""
        return self.asked.query(upto=None) if self.asked.upto else ""

    @cached_property
    def _shown(self) -> Sequence[AssistantVersion]:
        upto = self.asked.upto or len(self.known.versions)
        return self.known.versions[max(0, upto - VERSIONS_PER_PAGE) : upto][::-1]

    @cached_property
    def _summaries(self) -> dict[UUID, ChangeSummary]:
        """What changed since the version that was first used before."""
        pairs = [
            (self.known.versions[version.number - 2].id, version.id) for version in self._shown if version.number > 1
        ]
        return {after: summary for (_, after), summary in changes.summarize_changes(pairs).items()}

    @cached_property
    def _models(self) -> dict[UUID, str | None]:
        found = Configuration.objects.only("model").in_bulk([version.id for version in self._shown])
        return {configuration.pk: configuration.model for configuration in found.values()}
