"""Where the runs behind a number are listed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.urls import reverse

from dashboard.ui.run_list_address import RunListAddress
from runs.analytics.version_comparison import VersionSide
from runs.analytics.versions import AssistantVersion
from runs.db.keyset_pagination import NEWEST_FIRST, Order
from runs.models import Project
from runs.query import Query, RunFilters, TimeExpression

SHORT_ID_LENGTH = 12  # of a configuration's id: enough to tell it from all others
_SECOND = timedelta(seconds=1)
LONGEST_FIRST, MOST_TOKENS_FIRST = Order("duration"), Order("tokens")


@dataclass(frozen=True, slots=True)
class AssistantRunLinks:
    """Addresses of the run list of one project."""

    project: Project

    def of_assistant(self, assistant_id: str, since: TimeExpression | None = None) -> str:
        """The runs of an assistant."""
        return self._address(RunFilters(assistant=(assistant_id,), since=since))

    def of_version(self, version: AssistantVersion) -> str:
        """The runs of a version."""
        return self._address(RunFilters(q=_query(version)))

    def of_version_beside(self, version: AssistantVersion, other: AssistantVersion) -> str:
        """The runs of a version after the first and before the last one of another."""
        since, until = _moment(other.first_at + _SECOND), _moment(other.last_at)
        return self._address(RunFilters(since=since, until=until, q=_query(version)))

    def of_side(self, side: VersionSide, more: str = "", order: Order = NEWEST_FIRST) -> str:
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
        return RunListAddress(reverse("runs", kwargs={"project": self.project.slug}), order).url(filters)


def _query(version: AssistantVersion, more: str = "") -> Query:
    return Query.parse(f"configuration:{version.id.hex[:SHORT_ID_LENGTH]} {more}")


def _moment(time: datetime, *, up: bool = False) -> TimeExpression:
    """A second that is not after `time`, or not before it: addresses are read by people."""
    whole = time.astimezone(UTC).replace(microsecond=0)
    return TimeExpression.parse((whole + timedelta(seconds=up and whole != time)).isoformat())
