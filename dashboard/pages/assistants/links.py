"""Where the runs behind a number are listed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.urls import reverse

from dashboard.ui.filter_controls import Address
from runs.analytics.version_comparison import Side
from runs.analytics.versions import Version
from runs.models import Project
from runs.query import Moment, Order, Query, RunFilters
from runs.query.order import NEWEST_FIRST

DIGITS = 12  # of a configuration's id: enough to tell it from all others
_SECOND = timedelta(seconds=1)
LONGEST_FIRST, MOST_TOKENS_FIRST = Order("duration"), Order("tokens")


@dataclass(frozen=True, slots=True)
class RunLinks:
    """Addresses of the run list of one project."""

    project: Project

    def of_assistant(self, assistant_id: str, since: Moment | None = None) -> str:
        """The runs of an assistant."""
        return self._address(RunFilters(assistant=(assistant_id,), since=since))

    def of_version(self, version: Version) -> str:
        """The runs of a version."""
        return self._address(RunFilters(q=_query(version)))

    def of_version_beside(self, version: Version, other: Version) -> str:
        """The runs of a version after the first and before the last one of another."""
        since, until = _moment(other.first_at + _SECOND), _moment(other.last_at)
        return self._address(RunFilters(since=since, until=until, q=_query(version)))

    def of_side(self, side: Side, more: str = "", order: Order = NEWEST_FIRST) -> str:
        """The runs of one side of a change, narrowed by `more` of the query language."""
        return self._address(
            RunFilters(
                since=_moment(side.since),
                until=_moment(side.until, up=True),
                q=_query(side.version, more),
            ),
            order,
        )

    def _address(self, filters: RunFilters, order: Order = NEWEST_FIRST) -> str:
        return Address(reverse("runs", kwargs={"project": self.project.slug}), order).of(filters)


def _query(version: Version, more: str = "") -> Query:
    return Query.parse(f"configuration:{version.id.hex[:DIGITS]} {more}")


def _moment(time: datetime, *, up: bool = False) -> Moment:
    """A second that is not after `time`, or not before it: addresses are read by people."""
    whole = time.astimezone(UTC).replace(microsecond=0)
    return Moment.parse((whole + timedelta(seconds=up and whole != time)).isoformat())
