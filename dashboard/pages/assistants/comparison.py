"""The comparison of two versions of an assistant: what changed, and how the runs before and after differ."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from dashboard.pages.assistants.configuration_changes import ConfigurationChanges, fetch_configurations
from dashboard.pages.assistants.metrics_table import VersionMetricRow, build_version_metrics
from dashboard.pages.assistants.params import AssistantDetailParams, ComparisonRange, shorten_version_id
from dashboard.pages.assistants.run_links import AssistantRunLinks
from dashboard.pages.assistants.summary import FailureRateSummary, summarize_failure_rate
from dashboard.ui.charts.time_axis import format_interval
from runs.analytics import version_comparison, versions
from runs.analytics.version_comparison import VersionComparison
from runs.analytics.versions import AdjacentVersions, AssistantVersion, AssistantVersions
from runs.query.operators import format_value

MAX_BASES = 100
MAX_OVERLAPPING = 5


@dataclass(frozen=True, slots=True)
class OverlappingVersion:
    """A version that was in use at the same time, with its runs between the first and last run of the shown one."""

    version: AssistantVersion
    runs: int
    url: str


@dataclass(frozen=True)
class VersionComparisonSection:
    """`version` is compared with `base`, which is None for the first version."""

    known: AssistantVersions
    params: AssistantDetailParams
    run_links: AssistantRunLinks
    page_path: str

    @cached_property
    def version(self) -> AssistantVersion:
        """The requested version, or else the current one."""
        requested = self.known.find(self.params.version) if self.params.version else None
        return requested or self.known.current

    @cached_property
    def base(self) -> AssistantVersion | None:
        """The requested base, or else the version in use before. For a restored version: the one that it replaced."""
        if self.params.base:
            return self.known.find(self.params.base)
        if not self.params.version and (replaced := self._find_replaced_version()):
            return replaced
        if self.adjacent.previous:
            return self.adjacent.previous
        return self.known.versions[self.version.number - 2] if self.version.number > 1 else None

    def _find_replaced_version(self) -> AssistantVersion | None:
        """Return the version that the current one replaced when it was restored, if it was.

        It is the last used of the versions that are newer than the current one.
        """
        newer = [
            version for version in self.known.versions[self.version.number :] if version.last_at < self.version.last_at
        ]
        last_used = max(newer, key=lambda version: version.last_at, default=None)
        if last_used is None:
            return None
        adjacent = versions.fetch_adjacent_versions(self.known, [last_used])[last_used.id]
        return last_used if adjacent.restored is self.version else None

    @cached_property
    def adjacent(self) -> AdjacentVersions:
        """The versions in use before and after `version`."""
        return versions.fetch_adjacent_versions(self.known, [self.version])[self.version.id]

    @cached_property
    def changed_at(self) -> datetime | None:
        """The time of the change from `base` to `version`; None if there was none."""
        return versions.find_version_change(self.base, self.version) if self.base else None

    @property
    def title(self) -> str:
        """The heading, such as `v2 compared with v1`."""
        return f"{self.version.name} compared with {self.base.name}" if self.base else self.version.name

    @property
    def is_restored(self) -> bool:
        """Return whether `version` was in use before `base`, and again after it."""
        return self.base is not None and self.base.number > self.version.number

    @cached_property
    def result(self) -> VersionComparison | None:
        """The metrics of the runs before and after the change."""
        if self.base is None or self.changed_at is None:
            return None
        return version_comparison.compare_versions(self.base, self.version, self.changed_at, self.params.within.length)

    @cached_property
    def summary(self) -> FailureRateSummary | None:
        """The summary of how the failure rate changed."""
        return summarize_failure_rate(self.result) if self.result else None

    @property
    def cause_url(self) -> str:
        """The URL of the failures after the change that have the error code named by the summary."""
        if self.result is None or self.summary is None or self.summary.cause is None:
            return ""
        code = self.summary.cause.code
        return self.run_links.side_url(
            self.result.after, f"status:failed {f'error_code:{format_value(code)}' if code else '-error:*'}"
        )

    @property
    def metrics(self) -> list[VersionMetricRow]:
        """The rows of the table of metrics."""
        return build_version_metrics(self.result, self.run_links) if self.result else []

    @property
    def part_label(self) -> str:
        """The length of time that a bar of a sparkline stands for, such as `6 hours` or `day`."""
        return format_interval(self.result.part_length).removeprefix("1 ") if self.result else ""

    @cached_property
    def changes(self) -> ConfigurationChanges | None:
        """The differences between the configurations."""
        if self.base is None:
            return None
        configurations = fetch_configurations([self.base.id, self.version.id])
        return ConfigurationChanges(configurations[self.base.id], configurations[self.version.id])

    @cached_property
    def overlapping(self) -> list[OverlappingVersion]:
        """The versions with the most runs between the first and the last run of `version`."""
        return [
            OverlappingVersion(version, runs, self.run_links.overlap_url(version, self.version))
            for version, runs in self._concurrent_versions[:MAX_OVERLAPPING]
        ]

    @property
    def unlisted_overlapping_count(self) -> int:
        """The number of overlapping versions that are not listed."""
        return max(0, len(self._concurrent_versions) - MAX_OVERLAPPING)

    @cached_property
    def _concurrent_versions(self) -> list[tuple[AssistantVersion, int]]:
        return versions.fetch_concurrent_versions(self.known, self.version)

    @property
    def restored_url(self) -> str:
        """The URL of the page that compares the version restored after `version` with it."""
        if self.adjacent.restored is None:
            return ""
        return self.page_path + self.params.query_string(
            version=shorten_version_id(self.adjacent.restored), base=shorten_version_id(self.version)
        )

    # The form that selects another base and range

    @property
    def bases(self) -> list[AssistantVersion]:
        """The versions that `version` can be compared with, newest first: all that it was used after."""
        earlier = [
            version
            for version in self.known.versions
            if version.number < self.version.number
            or (version.last_at < self.version.last_at and version is not self.version)
        ]
        return earlier[::-1][:MAX_BASES]

    @property
    def ranges(self) -> list[ComparisonRange]:
        """The values of `within`."""
        return list(ComparisonRange)
