"""One version of an assistant against another: what changed, and what the runs before and after tell of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from dashboard.pages.assistants import changes, metrics_table
from dashboard.pages.assistants.changes import ConfigurationChanges
from dashboard.pages.assistants.links import AssistantRunLinks
from dashboard.pages.assistants.params import COMPARISON_RANGES, AssistantDetailParams
from dashboard.pages.assistants.summary import FailureRateSummary, summarize_failure_rate
from dashboard.ui.charts.time_axis import format_interval
from runs.analytics import version_comparison, versions
from runs.analytics.version_comparison import VersionComparison
from runs.analytics.versions import AdjacentVersions, AssistantVersion, AssistantVersions
from runs.query.operators import format_value

MAX_BASES = 100
MAX_OVERLAPPING = 5  # of the versions in use at the same time


@dataclass(frozen=True, slots=True)
class OverlappingVersion:
    """A version that was in use at the same time, with its runs since the other's first one."""

    version: AssistantVersion
    runs: int
    url: str


@dataclass(frozen=True)
class VersionComparisonSection:
    """`version` after a change, `base` before it: None where nothing was before."""

    known: AssistantVersions
    asked: AssistantDetailParams
    links: AssistantRunLinks

    @cached_property
    def version(self) -> AssistantVersion:
        """What is asked for, or what is in use."""
        return self.asked.version or self.known.current

    @cached_property
    def base(self) -> AssistantVersion | None:
        """What is asked for, or what was in use before: of a version that came back, the one that it replaced."""
        if self.asked.base is not None:
            return self.asked.base
        if self.asked.version is None and (replaced := self._replaced):
            return replaced
        return self.around.previous or self._previous

    @cached_property
    def around(self) -> AdjacentVersions:
        """What came before and after the version."""
        return versions.fetch_adjacent_versions(self.known, [self.version])[self.version.id]

    @property
    def _previous(self) -> AssistantVersion | None:
        return self.known.versions[self.version.number - 2] if self.version.number > 1 else None

    @property
    def _replaced(self) -> AssistantVersion | None:
        """The version whose place the current one took again, if it did: the last one used of the later ones."""
        later = [each for each in self.known.versions[self.version.number :] if each.last_at < self.version.last_at]
        last = max(later, key=lambda each: each.last_at, default=None)
        if last is None:
            return None
        return last if versions.fetch_adjacent_versions(self.known, [last])[last.id].restored is self.version else None

    @cached_property
    def at(self) -> datetime | None:
        """When the assistant went from the one to the other; None where it did not."""
        return versions.find_version_change(self.base, self.version) if self.base else None

    @property
    def title(self) -> str:
        """`v2 against v1`."""
        return f"{self.version.name} against {self.base.name}" if self.base else self.version.name

    @property
    def is_return(self) -> bool:
        """Whether what had been used before came back."""
        return self.base is not None and self.base.number > self.version.number

    @cached_property
    def drift(self) -> VersionComparison | None:
        if self.base is None or self.at is None:
            return None
        return version_comparison.compare_versions(self.base, self.version, self.at, self.asked.length)

    @cached_property
    def verdict(self) -> FailureRateSummary | None:
        return summarize_failure_rate(self.drift) if self.drift else None

    @property
    def back_query(self) -> str:
        """The query string of what came back against this version."""
        return self.asked.query(version=self.around.restored, base=self.version)

    @property
    def cause_url(self) -> str:
        """The failures after the change with the code that the rise is put down to."""
        cause = self.verdict.cause if self.verdict else None
        if cause is None or self.drift is None:
            return ""
        code = f"error_code:{format_value(cause.code)}" if cause.code else "-error:*"
        return self.links.of_side(self.drift.after, f"status:failed {code}")

    @property
    def measures(self) -> list[metrics_table.VersionMetricRow]:
        return metrics_table.build_version_metrics(self.drift, self.links) if self.drift else []

    @property
    def part(self) -> str:
        """What a bar of the distributions stands for: `6 hours`, `day`."""
        return format_interval(self.drift.part_length).removeprefix("1 ") if self.drift else ""

    @cached_property
    def changes(self) -> ConfigurationChanges | None:
        """What differs between both."""
        if self.base is None:
            return None
        found = changes.fetch_configurations([self.base.id, self.version.id])
        return ConfigurationChanges(found[self.base.id], found[self.version.id])

    @cached_property
    def beside(self) -> list[OverlappingVersion]:
        """The versions that ran most between the first and the last run of this one."""
        return [
            OverlappingVersion(version, count, self.links.of_version_beside(version, self.version))
            for version, count in self._beside[:MAX_OVERLAPPING]
        ]

    @property
    def more_beside(self) -> int:
        """How many others there are."""
        return max(0, len(self._beside) - MAX_OVERLAPPING)

    @cached_property
    def _beside(self) -> list[tuple[AssistantVersion, int]]:
        return versions.fetch_concurrent_versions(self.known, self.version)

    @property
    def bases(self) -> list[AssistantVersion]:
        """What it can be compared with, the last first: all that it came after."""
        earlier = [
            each
            for each in self.known.versions
            if each.number < self.version.number or (each.last_at < self.version.last_at and each is not self.version)
        ]
        return earlier[::-1][:MAX_BASES]

    @property
    def spans(self) -> list[tuple[str, str]]:
        """The values of `within`, and what they are called."""
        return [(value, words) for value, (words, _) in COMPARISON_RANGES.items()]
