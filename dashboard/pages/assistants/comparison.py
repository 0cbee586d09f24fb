"""One version of an assistant against another: what changed, and what the runs before and after tell of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from dashboard.pages.assistants import changes, metrics_table
from dashboard.pages.assistants.changes import Changes
from dashboard.pages.assistants.links import RunLinks
from dashboard.pages.assistants.params import WITHIN, Asked
from dashboard.pages.assistants.summary import Verdict, verdict
from dashboard.ui.charts.time_axis import spelled
from runs.analytics import version_comparison, versions
from runs.analytics.version_comparison import Drift
from runs.analytics.versions import Neighbours, Version, Versions
from runs.query.operators import written

MOST_OFFERED = 100
MOST_TOLD = 5  # of the versions in use at the same time


@dataclass(frozen=True, slots=True)
class Beside:
    """A version that was in use at the same time, with its runs since the other's first one."""

    version: Version
    runs: int
    url: str


@dataclass(frozen=True)
class Against:
    """`version` after a change, `base` before it: None where nothing was before."""

    known: Versions
    asked: Asked
    links: RunLinks

    @cached_property
    def version(self) -> Version:
        """What is asked for, or what is in use."""
        return self.asked.version or self.known.current

    @cached_property
    def base(self) -> Version | None:
        """What is asked for, or what was in use before: of a version that came back, the one that it replaced."""
        if self.asked.base is not None:
            return self.asked.base
        if self.asked.version is None and (replaced := self._replaced):
            return replaced
        return self.around.before or self._previous

    @cached_property
    def around(self) -> Neighbours:
        """What came before and after the version."""
        return versions.neighbours(self.known, [self.version])[self.version.id]

    @property
    def _previous(self) -> Version | None:
        return self.known.all[self.version.number - 2] if self.version.number > 1 else None

    @property
    def _replaced(self) -> Version | None:
        """The version whose place the current one took again, if it did: the last one used of the later ones."""
        later = [each for each in self.known.all[self.version.number :] if each.last_at < self.version.last_at]
        last = max(later, key=lambda each: each.last_at, default=None)
        if last is None:
            return None
        return last if versions.neighbours(self.known, [last])[last.id].back is self.version else None

    @cached_property
    def at(self) -> datetime | None:
        """When the assistant went from the one to the other; None where it did not."""
        return versions.changed_at(self.base, self.version) if self.base else None

    @property
    def title(self) -> str:
        """`v2 against v1`."""
        return f"{self.version.name} against {self.base.name}" if self.base else self.version.name

    @property
    def is_return(self) -> bool:
        """Whether what had been used before came back."""
        return self.base is not None and self.base.number > self.version.number

    @cached_property
    def drift(self) -> Drift | None:
        if self.base is None or self.at is None:
            return None
        return version_comparison.drift(self.base, self.version, self.at, self.asked.length)

    @cached_property
    def verdict(self) -> Verdict | None:
        return verdict(self.drift) if self.drift else None

    @property
    def back_query(self) -> str:
        """The query string of what came back against this version."""
        return self.asked.query(version=self.around.back, base=self.version)

    @property
    def cause_url(self) -> str:
        """The failures after the change with the code that the rise is put down to."""
        cause = self.verdict.cause if self.verdict else None
        if cause is None or self.drift is None:
            return ""
        code = f"error_code:{written(cause.code)}" if cause.code else "-error:*"
        return self.links.of_side(self.drift.after, f"status:failed {code}")

    @property
    def measures(self) -> list[metrics_table.Row]:
        return metrics_table.rows(self.drift, self.links) if self.drift else []

    @property
    def part(self) -> str:
        """What a bar of the distributions stands for: `6 hours`, `day`."""
        return spelled(self.drift.step).removeprefix("1 ") if self.drift else ""

    @cached_property
    def changes(self) -> Changes | None:
        """What differs between both."""
        if self.base is None:
            return None
        found = changes.load([self.base.id, self.version.id])
        return Changes(found[self.base.id], found[self.version.id])

    @cached_property
    def beside(self) -> list[Beside]:
        """The versions that ran most between the first and the last run of this one."""
        return [
            Beside(version, count, self.links.of_version_beside(version, self.version))
            for version, count in self._beside[:MOST_TOLD]
        ]

    @property
    def more_beside(self) -> int:
        """How many others there are."""
        return max(0, len(self._beside) - MOST_TOLD)

    @cached_property
    def _beside(self) -> list[tuple[Version, int]]:
        return versions.beside(self.known, self.version)

    @property
    def bases(self) -> list[Version]:
        """What it can be compared with, the last first: all that it came after."""
        earlier = [
            each
            for each in self.known.all
            if each.number < self.version.number or (each.last_at < self.version.last_at and each is not self.version)
        ]
        return earlier[::-1][:MOST_OFFERED]

    @property
    def spans(self) -> list[tuple[str, str]]:
        """The values of `within`, and what they are called."""
        return [(value, words) for value, (words, _) in WITHIN.items()]
