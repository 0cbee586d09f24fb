"""The versions of an assistant, newest first, with their changes, runs and metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from uuid import UUID

from dashboard.pages.assistants.configuration_changes import FIRST_VERSION, ChangeSummary, summarize_changes
from dashboard.pages.assistants.params import AssistantDetailParams, shorten_version_id
from dashboard.pages.assistants.run_links import AssistantRunLinks
from dashboard.ui import formats
from runs.analytics import version_comparison, versions
from runs.analytics.version_comparison import RecentVersionMetrics
from runs.analytics.versions import AdjacentVersions, AssistantVersion, AssistantVersions
from runs.models import Configuration

VERSIONS_PER_PAGE = 20
# The newest runs of each version whose metrics are shown.
MAX_RECENT_RUNS = 500
_DAY = timedelta(days=1)
# Longer times are shown in days.
_MAX_PRECISE_LENGTH = timedelta(hours=36)


@dataclass(frozen=True, slots=True)
class VersionRow:
    """A version in the list. `runs` is counted up to one more than `MAX_COUNTED_VERSION_RUNS`."""

    version: AssistantVersion
    model: str | None
    changes: ChangeSummary
    url: str
    runs_url: str
    runs: int
    recent: RecentVersionMetrics
    adjacent: AdjacentVersions
    is_current: bool

    @property
    def time_in_use(self) -> str:
        """The time from the first to the last run."""
        length = self.version.last_at - self.version.first_at
        if length >= _MAX_PRECISE_LENGTH:
            return f"{round(length / _DAY):,} days"
        return formats.format_duration(int(length.total_seconds() * 1000))

    @property
    def mean_cost(self) -> str:
        """The mean cost of a run; "" if no run has a price."""
        return "" if self.recent.cost is None else formats.format_cost(round(self.recent.cost))

    @property
    def mean_tokens(self) -> int | None:
        """The mean number of tokens of a run."""
        return None if self.recent.tokens is None else round(self.recent.tokens)


@dataclass(frozen=True)
class VersionList:
    """A page of versions. The number of queries is the same for any number of versions and runs."""

    known: AssistantVersions
    params: AssistantDetailParams
    run_links: AssistantRunLinks
    page_path: str

    @cached_property
    def rows(self) -> list[VersionRow]:
        """The versions from number `upto` down."""
        runs = versions.count_version_runs(self._listed)
        recent = version_comparison.fetch_recent_version_metrics(self._listed, MAX_RECENT_RUNS)
        adjacent = versions.fetch_adjacent_versions(self.known, self._listed)
        return [
            VersionRow(
                version,
                self._models.get(version.id),
                self._changes.get(version.id, FIRST_VERSION),
                self.page_path + self.params.query_string(version=shorten_version_id(version), base=""),
                self.run_links.version_url(version),
                runs[version.id],
                recent[version.id],
                adjacent[version.id],
                version is self.known.current,
            )
            for version in self._listed
        ]

    @property
    def older_count(self) -> int:
        """The number of versions older than those on this page."""
        return self._listed[-1].number - 1

    @property
    def older_url(self) -> str:
        """The URL of the next page; "" if there are no older versions."""
        return self.page_path + self.params.query_string(upto=self.older_count) if self.older_count else ""

    @property
    def newest_url(self) -> str:
        """The URL of the newest versions; "" on their page."""
        return self.page_path + self.params.query_string(upto=None) if self.params.upto else ""

    @cached_property
    def _listed(self) -> Sequence[AssistantVersion]:
        upto = self.params.upto or len(self.known.versions)
        return self.known.versions[max(0, upto - VERSIONS_PER_PAGE) : upto][::-1]

    @cached_property
    def _changes(self) -> dict[UUID, ChangeSummary]:
        """The changes from the preceding version, by the id of the version."""
        pairs = [
            (self.known.versions[version.number - 2].id, version.id) for version in self._listed if version.number > 1
        ]
        return {after: summary for (_, after), summary in summarize_changes(pairs).items()}

    @cached_property
    def _models(self) -> dict[UUID, str | None]:
        configurations = Configuration.objects.only("model").in_bulk([version.id for version in self._listed])
        return {configuration.pk: configuration.model for configuration in configurations.values()}
